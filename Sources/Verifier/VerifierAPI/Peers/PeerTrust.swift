package import X509

/// Which roots vouch for which kind of peer. A root that vouches for nodes never makes an operator, and the reverse.
package struct PeerTrust: Sendable {
    package var nodeRoots: [Certificate]
    package var operatorRoots: [Certificate]
    /// Of external CAs: what our own CAs issued is revoked as node state and operator record, per request.
    package var revocations: PeerRevocations

    package init(
        nodeRoots: [Certificate], operatorRoots: [Certificate], revocations: PeerRevocations = PeerRevocations()
    ) {
        self.nodeRoots = nodeRoots
        self.operatorRoots = operatorRoots
        self.revocations = revocations
    }
}

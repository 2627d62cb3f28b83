package import X509

/// Which roots vouch for which kind of peer. A root that vouches for nodes never makes an operator, and the reverse.
package struct PeerTrust: Sendable {
    package var nodeRoots: [Certificate]
    package var operatorRoots: [Certificate]

    package init(nodeRoots: [Certificate], operatorRoots: [Certificate]) {
        self.nodeRoots = nodeRoots
        self.operatorRoots = operatorRoots
    }
}

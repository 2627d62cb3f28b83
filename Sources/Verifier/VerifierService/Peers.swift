package import AttestationMessages

/// The holder of a self-signed certificate on the enrollment listener: proves possession of one key, nothing else.
package struct EnrollmentPeer: Hashable, Sendable {
    /// DER SubjectPublicKeyInfo of the TLS certificate.
    package var spki: [UInt8]
    /// Remote address, for rate limits and the audit log.
    package var source: String
    package init(spki: [UInt8], source: String) {
        self.spki = spki
        self.source = source
    }
}

/// A node, from its identity certificate; the certificate's path, dates and role were checked on this request.
package struct NodePeer: Hashable, Sendable {
    package var nodeID: NodeID
    /// DER SubjectPublicKeyInfo of the TLS certificate.
    package var spki: [UInt8]
    package var source: String
    package init(nodeID: NodeID, spki: [UInt8], source: String) {
        self.nodeID = nodeID
        self.spki = spki
        self.source = source
    }
}

/// An operator or a consumer, from a client certificate of the operators' CA; roles are looked up on this request.
package struct OperatorPeer: Hashable, Sendable {
    package var name: String
    package var roles: Set<Role>
    /// Hex of SHA-256 over the certificate's SPKI. Two certificates over one key are one person (RV-03).
    package var keySHA256: String
    package var source: String
    /// DER, own first, as this connection's handshake verified them.
    package var certificates: [[UInt8]]
    package init(
        name: String, roles: Set<Role>, keySHA256: String, source: String, certificates: [[UInt8]] = []
    ) {
        self.name = name
        self.roles = roles
        self.keySHA256 = keySHA256
        self.source = source
        self.certificates = certificates
    }
}

/// Who asks for an admission.
package enum AdmissionAsker: Hashable, Sendable {
    case node(NodePeer)
    case consumer(OperatorPeer)
}

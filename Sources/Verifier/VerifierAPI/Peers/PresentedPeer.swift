package import AttestationMessages
internal import VerifierService

/// What a client certificate says of its holder, after its path was verified in the handshake.
package struct PresentedPeer: Hashable, Sendable {
    package enum Identity: Hashable, Sendable {
        /// DER SubjectPublicKeyInfo of a self-signed certificate.
        case keyHolder(spki: [UInt8])
        case node(NodeID, spki: [UInt8])
        /// Hex of SHA-256 over the SPKI.
        case person(name: String, keySHA256: String)
    }

    package var identity: Identity
    /// The narrowest dates of the path, milliseconds since 1970; nil for a self-signed certificate, whose dates are the
    /// node's own and say nothing.
    package var validity: ClosedRange<Int64>?
    /// Of a person: the verified certificates, DER, own first. Kept by whoever signs with that key.
    package var certificates: [[UInt8]]

    package init(_ identity: Identity, validity: ClosedRange<Int64>?, certificates: [[UInt8]] = []) {
        self.identity = identity
        self.validity = validity
        self.certificates = certificates
    }

    /// Checked on every request, because a kept connection outlives its handshake (TA-02, TA-04).
    func checkDates(now: Int64) throws(ServiceError) {
        guard let validity, !validity.contains(now) else { return }
        throw ServiceError(.unidentified, "API_CERTIFICATE_EXPIRED", "the certificate does not hold at this time")
    }
}

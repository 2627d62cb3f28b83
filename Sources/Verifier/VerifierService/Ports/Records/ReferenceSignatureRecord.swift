package import AttestationMessages

/// An operator's signature over one act on one version of a reference set; write-once.
package struct ReferenceSignatureRecord: Hashable, Sendable {
    package var name: String
    package var version: Int
    /// `propose` or `approve`.
    package var act: ReferenceAct
    package var signer: String
    /// DER, the signer's own first, as the handshake of the call showed them.
    package var certificates: [[UInt8]]
    /// ECDSA with P-256 and SHA-256: r ‖ s, 64 bytes.
    package var signature: [UInt8]
    package var atMilliseconds: Int64

    package init(
        name: String, version: Int, act: ReferenceAct, signer: String, certificates: [[UInt8]], signature: [UInt8],
        atMilliseconds: Int64
    ) {
        self.name = name
        self.version = version
        self.act = act
        self.signer = signer
        self.certificates = certificates
        self.signature = signature
        self.atMilliseconds = atMilliseconds
    }
}

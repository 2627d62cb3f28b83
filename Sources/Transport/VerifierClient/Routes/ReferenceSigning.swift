package import AttestationMessages

extension VerifierClient {
    /// Proposes or approves exactly these bytes: signs the act with the operator's own key, where that is a P-256 key.
    ///
    /// - Parameters:
    ///   - document: what the operator read; its SHA-256 is computed here, not taken from the verifier.
    ///   - isSigned: told whether a signature went with it.
    package nonisolated func act(
        _ act: ReferenceAct, onReference name: String, version: Int, document: [UInt8], reason: String,
        isSigned: (Bool) -> Void
    ) async throws -> ReferenceView {
        let message = ProtocolBinding.reference(act: act, version: version, document: document)
        let signature = try credentials.signature(over: message)
        isSigned(signature != nil)
        return try await self.act(
            act, onReference: name, version: version,
            ReferenceActRequest(
                documentSHA256: ProtocolBinding.documentSHA256(document), reason: reason,
                signature: signature.map { WireBytes($0) }))
    }
}

public import ByteParsing
internal import TPMStructures

/// A quote as it was received. Shows nothing of its content: only ``verify(with:expecting:)`` does.
public struct UnverifiedQuote: Sendable {
    private enum Content: Sendable {
        case attest(TPMSAttest)
        /// The bytes do not begin with TPM_GENERATED_VALUE; nothing behind it was looked at.
        case foreign(magic: UInt32)
    }

    private let bytes: [UInt8]
    private let content: Content
    private let signature: TPMTSignature

    /// - Parameters:
    ///   - attest: TPMS_ATTEST, without the size of TPM2B_ATTEST.
    ///   - signature: TPMT_SIGNATURE.
    /// - Throws: ``ParsingError`` for bytes that are no such structures (`QUOTE_MALFORMED`). A wrong magic is no such
    ///   error: it is found first, before the rest is read, and ``verify(with:expecting:)`` names it.
    public init(attest: [UInt8], signature: [UInt8]) throws(ParsingError) {
        var reader = ByteReader(attest.span)
        let magic: UInt32 = try reader.readBigEndian("TPMS_ATTEST.magic")
        content =
            magic == TPMSAttest.generatedValue
            ? .attest(try TPMSAttest(marshalled: attest)) : .foreign(magic: magic)
        self.signature = try TPMTSignature(marshalled: signature)
        bytes = attest
    }

    /// Checks, in this order: magic; type; scheme and hash against the key's; the signature; the signer's qualified
    /// name; extraData; the selection. All reasons are collected, but nothing is said of a structure without the magic.
    public func verify(
        with key: AttestationKey, expecting expectation: QuoteExpectation
    ) throws(QuoteRefusal) -> VerifiedQuote {
        try verify(key.verifier, allowed: (key.scheme, key.hash), expectation)
    }

    /// The same over a bare public key of which no attributes are known: nothing says that it is restricted, so
    /// whoever holds it could have signed anything. For inspection, never for a decision.
    public func verify(
        withUnattestedKey key: SubjectPublicKey, expecting expectation: QuoteExpectation
    ) throws(QuoteRefusal) -> VerifiedQuote {
        guard key.defects.isEmpty, let verifier = SignatureVerifier(key) else {
            throw Refusal(.signature, "the public key is not sound")
        }
        return try verify(verifier, allowed: nil, expectation)
    }

    private func verify(
        _ verifier: SignatureVerifier, allowed: (scheme: TPMAlgID, hash: HashAlgorithm)?,
        _ expectation: QuoteExpectation
    ) throws(QuoteRefusal) -> VerifiedQuote {
        let attest: TPMSAttest
        switch content {
        case .foreign(let magic):
            throw Refusal(.magic, "0x\(String(magic, radix: 16)) instead of TPM_GENERATED_VALUE")
        case .attest(let parsed): attest = parsed
        }
        var reasons: [QuoteRefusal.Reason] = []
        if attest.kind != TPMSAttest.Kind.quote {
            reasons.append(.init(.type, "0x\(String(attest.kind, radix: 16)) instead of TPM_ST_ATTEST_QUOTE"))
        }
        if let allowed, signature.scheme != allowed.scheme || signature.hash != allowed.hash {
            reasons.append(
                .init(
                    .signatureAlgorithm,
                    "\(signature.scheme)-\(signature.hash) instead of the key's \(allowed.scheme)-\(allowed.hash)"))
        } else if !verifier.verify(signature, over: bytes) {
            reasons.append(.init(.signature, "not a signature of the attestation key over these bytes"))
        }
        if let signers = expectation.signers, !signers.contains(attest.qualifiedSigner) {
            reasons.append(.init(.signer, "qualifiedSigner \(attest.qualifiedSigner)"))
        }
        if let expected = expectation.extraData, expected != attest.extraData {
            reasons.append(
                .init(.nonce, "extraData \(Hex.encode(attest.extraData)) instead of \(Hex.encode(expected))"))
        }
        guard case .quote(let info) = attest.attested else {
            throw Refusal(reasons) ?? Refusal(.type, "no quote")
        }
        reasons += Self.selectionReasons(info.pcrSelect, expectation.selection)
        let hash = allowed?.hash ?? signature.hash
        guard let digest = Digest(algorithm: hash, bytes: info.pcrDigest) else {
            reasons.append(.init(.pcrDigest, "\(info.pcrDigest.count) bytes are no \(hash) digest"))
            throw Refusal(reasons) ?? Refusal(.pcrDigest, "no digest")
        }
        if let refusal = Refusal(reasons) { throw refusal }
        return VerifiedQuote(
            attest: attest, pcrSelection: info.pcrSelect, pcrDigest: digest, attestBytes: bytes)
    }

    private static func selectionReasons(
        _ signed: TPMLPCRSelection, _ expected: TPMLPCRSelection?
    ) -> [QuoteRefusal.Reason] {
        var reasons: [QuoteRefusal.Reason] = []
        if signed.isEmpty { reasons.append(.init(.pcrSelection, "no register is selected")) }
        guard let expected, expected != signed else { return reasons }
        guard expected.selections.map(\.bank) == signed.selections.map(\.bank) else {
            let list = signed.selections.map(\.bank.name).joined(separator: ", ")
            return reasons + [.init(.pcrSelection, "banks [\(list)] are not those of the challenge")]
        }
        for (want, have) in zip(expected.selections, signed.selections) where want != have {
            if want.pcrs.isEmpty != have.pcrs.isEmpty {
                reasons.append(
                    .init(
                        .bankSet,
                        have.pcrs.isEmpty
                            ? "bank \(have.bank) is not allocated" : "bank \(have.bank) must not be allocated"))
            } else {
                let list = have.pcrs.indices.map(\.description).joined(separator: ",")
                reasons.append(.init(.pcrSelection, "\(have.bank):\(list) is not what the challenge selects"))
            }
        }
        return reasons
    }
}

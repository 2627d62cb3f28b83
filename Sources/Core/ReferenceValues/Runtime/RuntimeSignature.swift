internal import ByteParsing
internal import TPMCryptography
public import TPMStructures

/// What an entry of a measurement list holds of signatures, as the kernel wrote it. Says nothing before
/// ``CompiledRuntime/signer(_:over:)`` checked it.
public enum RuntimeSignature: Hashable, Sendable {
    /// Field `sig`: the value of `security.ima`.
    case attribute([UInt8])
    /// Field `modsig`: a CMS message that was appended to the file, and field `d-modsig`: the digest of the file without it.
    case appended([UInt8], content: Digest)
    /// Field `evmsig`: the value of `security.evm`, and the metadata that it covers.
    case metadata([UInt8], FileMetadata)

    /// SHA-256 over all of it, unambiguously: equal only for equal values.
    public var identity: Digest {
        var bytes: [UInt8] = []
        func add(_ field: [UInt8]) {
            bytes += (0..<8).map { UInt8(truncatingIfNeeded: field.count >> (8 * (7 - $0))) }
            bytes += field
        }
        switch self {
        case .attribute(let field):
            bytes = [1]
            add(field)
        case .appended(let message, let content):
            bytes = [2]
            add(Array(content.description.utf8))
            add(message)
        case .metadata(let field, let metadata):
            bytes = [3, metadata.isBigEndian ? 1 : 0]
            for field in [field, metadata.names, metadata.lengths, metadata.values, metadata.inode] { add(field) }
        }
        return MessageDigest.hash(bytes, .sha256)
    }
}

extension CompiledRuntime {
    /// Who signed what was measured. A pure function of both and of the references' signers.
    public func signer(_ signature: RuntimeSignature, over digest: FileDigest) -> SignatureVerdict {
        do throws(IMAFileSignature.Refusal) {
            switch signature {
            case .attribute(let field): return .signer(try signer(ofAttribute: field, over: digest))
            case .appended(let message, let content):
                return .signer(try signer(ofMessage: message, over: content))
            case .metadata(let field, let metadata):
                return .signer(try signer(ofMetadata: metadata, field, over: digest))
            }
        } catch {
            return .refused(error)
        }
    }

    private func signer(
        ofAttribute field: [UInt8], over digest: FileDigest
    ) throws(IMAFileSignature.Refusal) -> Int {
        let signature = try IMAFileSignature(field)
        guard signature.kind != .metadata else { throw .withoutMetadata }
        guard (signature.kind == .verity) == digest.isVerity else { throw .otherKind }
        return try signer(of: signature, over: digest.digest)
    }

    private func signer(
        of signature: IMAFileSignature, over digest: Digest
    ) throws(IMAFileSignature.Refusal) -> Int {
        guard let signed = signature.signedDigest(of: digest) else {
            throw .otherAlgorithm(signed: signature.algorithm, measured: digest.algorithm)
        }
        let candidates = signers.indices.filter { signers[$0].keyID == signature.keyID }
        guard let first = candidates.first else { throw .unknownKey(signature.keyID) }
        guard let found = signer(among: candidates, signature.signature, over: signed) else {
            throw .wrongSignature(signer: signers[first].name)
        }
        return found
    }

    /// The file's own digest has no part in it: the kernel measured both digests of the same bytes, and this is the one without
    /// the signature.
    private func signer(ofMessage message: [UInt8], over content: Digest) throws(IMAFileSignature.Refusal) -> Int {
        let signature: DetachedSignature
        do throws(ParsingError) {
            signature = try DetachedSignature(der: message)
        } catch {
            throw .malformed(String(describing: error))
        }
        guard signature.algorithm == content.algorithm else {
            throw .otherAlgorithm(signed: signature.algorithm, measured: content.algorithm)
        }
        guard let signed = signature.signedDigest(of: content) else { throw .otherContent }
        let candidates = signers.indices.filter { signers[$0].answers(to: signature.signer) }
        guard let first = candidates.first else { throw .unknownSigner }
        guard let found = signer(among: candidates, signature.signature, over: signed) else {
            throw .wrongSignature(signer: signers[first].name)
        }
        return found
    }

    /// The metadata's signer speaks for the content by the digest in `security.ima`. Where that holds a signature, it must be
    /// good by itself, and its signer is the one who speaks.
    private func signer(
        ofMetadata metadata: FileMetadata, _ field: [UInt8], over digest: FileDigest
    ) throws(IMAFileSignature.Refusal) -> Int {
        let signature = try IMAFileSignature(field)
        guard signature.kind == .metadata else { throw .otherKind }
        let content = try metadata.content()
        let number = try signer(of: signature, over: metadata.digest(signature.algorithm))
        switch content {
        case .digest(let signed):
            guard !digest.isVerity, signed == digest.digest else { throw .metadata("security.ima is of other content") }
            return number
        case .signature(let field): return try signer(ofAttribute: field, over: digest)
        }
    }

    private func signer(among candidates: [Int], _ signature: [UInt8], over digest: Digest) -> Int? {
        candidates.first { DigestSignature.isValid(signature, by: signers[$0].key, over: digest) }
    }
}

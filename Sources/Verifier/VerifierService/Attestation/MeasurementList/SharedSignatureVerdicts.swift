internal import ReferenceValues
internal import TPMStructures

/// What checks of file signatures gave, for the whole fleet: the same file is the same on thousands of nodes. Found only
/// under the rules that it was made by, the digest and the signature.
struct SharedSignatureVerdicts: SignatureVerdictKeeping, Sendable {
    private struct Key: Hashable, Sendable {
        let rules: String
        let digest: FileDigest
        /// Of the signature with all that it covers, so that a node cannot make this cache large.
        let signature: Digest
    }
    private let verdicts = BoundedCache<Key, SignatureVerdict>(capacity: 16_384)
    private var rules = ""

    func keeping(_ rules: CompiledRuntime) -> SharedSignatureVerdicts {
        var copy = self
        copy.rules = rules.identity
        return copy
    }

    func verdict(
        _ signature: RuntimeSignature, over digest: FileDigest, make: () -> SignatureVerdict
    ) -> SignatureVerdict {
        let key = Key(rules: rules, digest: digest, signature: signature.identity)
        if let known = verdicts[key] { return known }
        let made = make()
        verdicts.insert(made, for: key)
        return made
    }
}

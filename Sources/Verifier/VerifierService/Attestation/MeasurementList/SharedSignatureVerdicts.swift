internal import ReferenceValues

/// What checks of file signatures gave, for the whole fleet: the same file is the same on thousands of nodes. Found only
/// under the rules that it was made by, the digest and the signature.
struct SharedSignatureVerdicts: SignatureVerdictKeeping, Sendable {
    private struct Key: Hashable, Sendable {
        let rules: String
        let digest: FileDigest
        let signature: [UInt8]
    }
    private let verdicts = BoundedCache<Key, SignatureVerdict>(capacity: 16_384)
    private var rules = ""

    func keeping(_ rules: CompiledRuntime) -> SharedSignatureVerdicts {
        var copy = self
        copy.rules = rules.identity
        return copy
    }

    func verdict(
        _ signature: [UInt8], over digest: FileDigest, make: () -> SignatureVerdict
    ) -> SignatureVerdict {
        let key = Key(rules: rules, digest: digest, signature: signature)
        if let known = verdicts[key] { return known }
        let made = make()
        verdicts.insert(made, for: key)
        return made
    }
}

internal import JSONCoding
internal import TPMCryptography
public import TPMStructures

/// The section `runtime` of a reference set, made ready to judge by. Copies share their tables: a policy of 100,000 files is
/// paid once for all nodes.
public struct CompiledRuntime: Sendable {
    public let minimumEntries: Int
    public let acceptsPaddedSHA1: Bool
    public let signers: [RuntimeSigner]
    /// What a file that no reference knows does to the layer.
    public let onUnknown: ReferenceSet.LayerRule.OnUnknown
    public let denied: [Digest: CompiledReferences.Denied]
    /// Names everything that a verdict depends on: equal only for equal rules. Hex of SHA-256.
    public let identity: String

    private var index = DigestIndex()
    private var files: PathIndex
    private var buffers: PathIndex
    private let exclude: [PathGlob]
    private let violations: [PathGlob]
    private let ignoredBuffers: Set<[UInt8]>
    /// Kinds of the digests in `files` and `digests`.
    private var kinds: Set<Int> = []

    /// Files, digests and buffers that are known.
    public var digestCount: Int { index.count }
    public var pathCount: Int { files.count }

    /// - Parameters:
    ///   - runtime: of a set without problems; a line that does not read is left out.
    ///   - denied: refused in every entry, whatever its rule.
    init(
        _ runtime: ReferenceSet.Runtime, denied: [Digest: CompiledReferences.Denied],
        onUnknown: ReferenceSet.LayerRule.OnUnknown
    ) {
        self.denied = denied
        self.onUnknown = onUnknown
        identity = Self.identity(runtime, denied, onUnknown)
        minimumEntries = runtime.minimumEntries
        acceptsPaddedSHA1 = runtime.paddedSHA1 ?? false
        exclude = (runtime.exclude ?? []).compactMap { try? PathGlob($0) }
        violations = (runtime.violations ?? []).compactMap { try? PathGlob($0) }
        ignoredBuffers = Set((runtime.ignoredBuffers ?? []).map { Array($0.utf8) })
        signers = (runtime.signers ?? []).compactMap { try? RuntimeSigner($0) }
        files = PathIndex(capacity: runtime.files?.count ?? 0)
        buffers = PathIndex(capacity: runtime.buffers?.count ?? 0)
        for digest in (runtime.digests ?? []).compactMap({ FileDigest($0) }) {
            kinds.insert(digest.kind)
            _ = index.insert(digest, .anyPath)
        }
        for line in runtime.files ?? [] {
            guard let line = ReferenceLine(line), let number = index.insert(line.digest) else { continue }
            kinds.insert(line.digest.kind)
            files.add(line.path, number)
        }
        for line in runtime.buffers ?? [] {
            guard let line = ReferenceLine(line), let number = index.insert(line.digest) else { continue }
            buffers.add(line.path, number)
        }
        files.finish()
        buffers.finish()
        for (list, mark) in [(runtime.policies, DigestIndex.Marks.policy), (runtime.kexec, .kexec)] {
            for digest in (list ?? []).compactMap({ FileDigest($0) }) { _ = index.insert(digest, mark) }
        }
        for digest in denied.keys {
            for isVerity in [false, true] { _ = index.insert(FileDigest(digest, isVerity: isVerity), .denied) }
        }
    }

    private struct Identity: Encodable {
        var runtime: ReferenceSet.Runtime
        var denied: [String]
        var onUnknown: ReferenceSet.LayerRule.OnUnknown
    }

    private static func identity(
        _ runtime: ReferenceSet.Runtime, _ denied: [Digest: CompiledReferences.Denied],
        _ onUnknown: ReferenceSet.LayerRule.OnUnknown
    ) -> String {
        let names = denied.map { "\($0.key) \($0.value.name): \($0.value.reason)" }.sorted()
        let document = try? StrictJSON.encode(Identity(runtime: runtime, denied: names, onUnknown: onUnknown))
        return document.map { MessageDigest.hash($0, .sha256).hex } ?? ""
    }

    // MARK: Judging

    /// What the references say about one entry that is not the boot aggregate. The deny-list beats every rule.
    public func verdict(
        _ entry: RuntimeEntry, signatures: inout some SignatureVerdictKeeping
    ) -> RuntimeVerdict {
        switch entry.content {
        case .violation: isExempt(entry.path) ? .excluded : .refused(.violation)
        case .unknownAlgorithm:
            isExcluded(entry.path) ? .excluded : .refused(.algorithm(expected: expected(entry.path)))
        case .contradiction(let reason): .refused(.template(reason))
        case .buffer(let digest): buffer(entry.path, digest)
        case .file(let digest, let made): file(entry.path, digest, made, &signatures)
        }
    }

    public func verdict(_ entry: RuntimeEntry) -> RuntimeVerdict {
        var none = NoSignatureVerdicts()
        return verdict(entry, signatures: &none)
    }

    /// Whether a file's path has this digest in the references, and nothing denies it: what nearly all entries of a list
    /// are. False only says that ``verdict(_:signatures:)`` has to tell.
    public func lists(
        path: Span<UInt8>, digest: Span<UInt8>, _ algorithm: HashAlgorithm, isVerity: Bool
    ) -> Bool {
        guard let found = index.find(digest, kind: FileDigest.kind(algorithm, isVerity: isVerity)),
            !found.marks.contains(.denied)
        else { return false }
        return files.holds(path, found.number)
    }

    private func file(
        _ path: [UInt8], _ digest: FileDigest, _ made: [RuntimeSignature],
        _ signatures: inout some SignatureVerdictKeeping
    ) -> RuntimeVerdict {
        let found = index.find(digest)
        if let found, found.marks.contains(.denied) { return .refused(.denied(digest.digest)) }
        for case .appended(_, let content) in made where denied[content] != nil { return .refused(.denied(content)) }
        let known = files.find(path.span)
        if let found, known?.contains(found.number) ?? false { return .listed }
        // A policy decides what is measured at all: nothing but its own digest speaks for it.
        if RuntimeNames.isPolicy(path) {
            return found?.marks.contains(.policy) ?? false ? .listed : .refused(.policy)
        }
        if let found, found.marks.contains(.anyPath) { return .listed }
        if isExcluded(path) { return .excluded }
        // One signature of a signer for this path will do; else the first tells why not.
        var refusal: IMAFileSignature.Refusal?
        for signature in made where !signers.isEmpty {
            switch signatures.verdict(signature, over: digest, make: { signer(signature, over: digest) }) {
            case .signer(let number):
                if speaks(number, for: path) { return .signed(signer: number) }
                refusal = refusal ?? .path(signer: signers[number].name)
            case .refused(let reason): refusal = refusal ?? reason
            }
        }
        if known != nil {
            let expected = expected(path)
            return expected.contains { $0.kind == digest.kind }
                ? .refused(.digest(expected: expected)) : .refused(.algorithm(expected: expected))
        }
        if let refusal { return .refused(.signature(refusal)) }
        return kinds.isEmpty || kinds.contains(digest.kind) ? .refused(.unknown) : .refused(.algorithm(expected: []))
    }

    private func buffer(_ name: [UInt8], _ digest: FileDigest) -> RuntimeVerdict {
        let found = index.find(digest)
        if let found, found.marks.contains(.denied) { return .refused(.denied(digest.digest)) }
        if let found, buffers.find(name.span)?.contains(found.number) ?? false { return .listed }
        if RuntimeNames.isPolicy(name) {
            return found?.marks.contains(.policy) ?? false ? .listed : .refused(.policy)
        }
        if RuntimeNames.isKexec(name) {
            return found?.marks.contains(.kexec) ?? false ? .listed : .refused(.kexec)
        }
        return ignoredBuffers.contains(name) ? .excluded : .refused(.unknown)
    }

    private func expected(_ path: [UInt8]) -> [FileDigest] {
        (files.find(path.span) ?? []).compactMap { index[$0] }
    }

    private func isExcluded(_ path: [UInt8]) -> Bool { Self.matches(path, exclude) }

    /// What nobody judges may also change at any moment.
    private func isExempt(_ path: [UInt8]) -> Bool { Self.matches(path, violations) || Self.matches(path, exclude) }

    private static func matches(_ path: [UInt8], _ globs: [PathGlob]) -> Bool {
        guard !globs.isEmpty, let components = PathComponents(path.span) else { return false }
        return globs.contains { $0.matches(path.span, components) }
    }

    private func speaks(_ number: Int, for path: [UInt8]) -> Bool {
        signers[number].paths.map { Self.matches(path, $0) } ?? true
    }
}

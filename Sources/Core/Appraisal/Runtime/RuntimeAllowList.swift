internal import IMAMeasurementList
public import ReferenceValues

/// What captures and imports gather for a section `runtime`, without repetition.
public struct RuntimeAllowList {
    /// One sentence for each thing that no rule can say.
    public private(set) var skipped: [String] = []
    private var files: Set<ReferenceLine> = []
    private var buffers: Set<ReferenceLine> = []
    private var violations: Set<String> = []
    private var policies: Set<FileDigest> = []
    private var kexec: Set<FileDigest> = []
    private var keylime: [ReferenceSet.Runtime] = []

    public init() {}

    public mutating func add(_ lines: [ReferenceLine], skipped: [String]) {
        files.formUnion(lines)
        self.skipped += skipped
    }

    public mutating func add(_ policy: KeylimeRuntimePolicy, from path: String) {
        files.formUnion((policy.runtime.files ?? []).compactMap { ReferenceLine($0) })
        buffers.formUnion((policy.runtime.buffers ?? []).compactMap { ReferenceLine($0) })
        keylime.append(policy.runtime)
        skipped += policy.notCarriedOver.map { "\(path): \($0)" }
    }

    /// The entries of a machine's list: files by path and digest, keys and critical data by name and digest, policies and
    /// kexec command lines by digest, paths of violations as they are. The boot aggregate is compared, not listed.
    public mutating func add(_ entries: some Sequence<RuntimeEntry>) {
        for entry in entries where !entry.path.elementsEqual(IMABootAggregate.name) {
            let name = PathText.escaped(entry.path)
            switch entry.content {
            case .file(let digest, _) where entry.loadsPolicy, .buffer(let digest) where entry.loadsPolicy:
                policies.insert(digest)
            case .buffer(let digest) where entry.announcesKexec: kexec.insert(digest)
            case .file(let digest, _): insert(ReferenceLine(digest: digest, path: entry.path), into: \.files, name)
            case .buffer(let digest): insert(ReferenceLine(digest: digest, path: entry.path), into: \.buffers, name)
            case .violation:
                let path = String(decoding: entry.path, as: UTF8.self)
                if path.utf8.elementsEqual(entry.path), !path.contains("*"), !path.contains("?"),
                    (try? PathGlob(path)) != nil
                {
                    violations.insert(path)
                } else {
                    skipped.append("\(name): a violation, and no pattern stands for exactly this path")
                }
            case .unknownAlgorithm(let text): skipped.append("\(name): measured as \(text), which no reference can say")
            case .contradiction(let reason): skipped.append("\(name): \(reason)")
            }
        }
    }

    private mutating func insert(
        _ line: ReferenceLine, into list: WritableKeyPath<Self, Set<ReferenceLine>>, _ name: String
    ) {
        if line.text.flatMap({ ReferenceLine($0) }) == line {
            self[keyPath: list].insert(line)
        } else {
            skipped.append("\(name): no line of a document can name it")
        }
    }

    /// The section with what was gathered added to its lists, each sorted by path.
    public func merged(into existing: ReferenceSet.Runtime?) -> ReferenceSet.Runtime {
        var runtime = existing ?? ReferenceSet.Runtime(minimumEntries: 2)
        runtime.files = Self.sorted(files.union((runtime.files ?? []).compactMap { ReferenceLine($0) }))
        runtime.buffers = Self.sorted(buffers.union((runtime.buffers ?? []).compactMap { ReferenceLine($0) }))
        runtime.policies = Self.sorted(policies.union((runtime.policies ?? []).compactMap { FileDigest($0) }))
        runtime.kexec = Self.sorted(kexec.union((runtime.kexec ?? []).compactMap { FileDigest($0) }))
        let exempt = (runtime.violations ?? []) + violations.subtracting(runtime.violations ?? []).sorted()
        runtime.violations = exempt.isEmpty ? nil : exempt
        for other in keylime {
            var globs = runtime.exclude ?? []
            for glob in other.exclude ?? [] where !globs.contains(glob) { globs.append(glob) }
            runtime.exclude = globs.isEmpty ? nil : globs
            var signers = runtime.signers ?? []
            for signer in other.signers ?? [] where !signers.contains(where: { $0.publicKey == signer.publicKey }) {
                signers.append(signer)
            }
            runtime.signers = signers.isEmpty ? nil : signers
        }
        return runtime
    }

    private static func sorted(_ lines: Set<ReferenceLine>) -> [String]? {
        let texts = lines.sorted {
            $0.path == $1.path
                ? $0.digest.description < $1.digest.description : $0.path.lexicographicallyPrecedes($1.path)
        }.compactMap(\.text)
        return texts.isEmpty ? nil : texts
    }

    private static func sorted(_ digests: Set<FileDigest>) -> [String]? {
        digests.isEmpty ? nil : digests.map(\.description).sorted()
    }
}

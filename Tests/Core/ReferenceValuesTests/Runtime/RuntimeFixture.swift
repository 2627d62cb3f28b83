import ReferenceValues
import TPMCryptography
import TPMStructures

/// A set that covers the runtime, and entries for it.
enum RuntimeFixture {
    static func digest(_ content: String, _ algorithm: HashAlgorithm = .sha256) -> FileDigest {
        FileDigest(MessageDigest.hash(Array(content.utf8), algorithm))
    }

    static func set(_ change: (inout ReferenceSet.Runtime) -> Void = { _ in }) -> ReferenceSet {
        var runtime = ReferenceSet.Runtime(minimumEntries: 2)
        runtime.files = ["\(digest("ls")) /bin/ls", "\(digest("ls 2")) /bin/ls", "\(digest("sh")) /bin/sh"]
        runtime.digests = ["\(digest("everywhere"))"]
        change(&runtime)
        return ReferenceSet(
            name: "s", group: "g", provenance: ["test"], banks: ["sha256"],
            layers: [.init(id: .tpmIdentity), .init(id: .runtime)], pcrs: [], runtime: runtime)
    }

    static func compiled(
        denied: [FileDigest] = [], _ change: (inout ReferenceSet.Runtime) -> Void = { _ in }
    ) throws -> CompiledRuntime {
        var set = set(change)
        set.denied = denied.map { .init(name: "bad", digests: [$0.digest.description], reason: "known bad") }
        guard let runtime = try CompiledReferences(set).runtime else { throw Missing() }
        return runtime
    }
    struct Missing: Error {}

    static func file(
        _ path: String, _ content: String, _ algorithm: HashAlgorithm = .sha256, signature: [UInt8]? = nil
    ) -> RuntimeEntry {
        RuntimeEntry(
            path: Array(path.utf8),
            content: .file(digest(content, algorithm), signatures: signature.map { [.attribute($0)] } ?? []))
    }

    static func buffer(_ name: String, _ content: String) -> RuntimeEntry {
        RuntimeEntry(path: Array(name.utf8), content: .buffer(digest(content)))
    }
}

import ArgumentParser
import FoundationEssentials
import ReferenceValues
import TPMCryptography
import TPMStructures

/// Judging measured files against a large policy: what an entry costs beside the hashing that its replay needs anyway, what
/// the compiled policy costs in memory, and what a long path costs against many patterns.
struct RuntimeRulesBenchmark {
    var rounds: Int

    /// - Returns: lines to print; throws exit code 1 when a bar is broken.
    func run() throws -> [Comparison.Result] {
        for count in [1000, 100_000] { print(try memory(count)) }
        try patterns()
        return try [1000, 100_000].map { try judging($0) }
    }

    private static func digest(_ number: Int) -> FileDigest {
        FileDigest(MessageDigest.hash((0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }, .sha256))
    }
    private static func path(_ number: Int) -> String {
        "/usr/lib/x86_64-linux-gnu/package-\(number % 997)/lib-\(number).so.1"
    }

    private func set(_ count: Int, _ change: (inout ReferenceSet.Runtime) -> Void = { _ in }) -> ReferenceSet {
        var runtime = ReferenceSet.Runtime(minimumEntries: 2)
        runtime.files = (0..<count).map { "\(Self.digest($0)) \(Self.path($0))" }
        change(&runtime)
        return ReferenceSet(
            name: "bench", group: "bench", provenance: [], banks: ["sha256"],
            layers: [.init(id: .tpmIdentity), .init(id: .runtime)], pcrs: [], runtime: runtime)
    }

    /// The bound: hashing an entry's template data into the list's SHA-1 and one bank's SHA-256, and one extend.
    private func judging(_ count: Int) throws -> Comparison.Result {
        guard let rules = try CompiledReferences(set(count)).runtime else { throw ExitCode(70) }
        let entries = (0..<count).map { number in
            RuntimeEntry(path: Array(Self.path(number).utf8), content: .file(Self.digest(number)))
        }
        let data = [UInt8](repeating: 7, count: 110)
        let block = [UInt8](repeating: 5, count: 64)
        return try Comparison(
            name: "judging \(count) entries against \(count) files", bareName: "bare hashing of the same entries",
            limit: 2
        ).run(rounds: max(3, rounds / 8), iterations: max(1, 1000 / count)) {
            for _ in 0..<count {
                consume(MessageDigest.hash(data, .sha1))
                consume(MessageDigest.hash(data, .sha256))
                consume(MessageDigest.hash(block, .sha256))
            }
        } ours: {
            for entry in entries where rules.verdict(entry) != .listed { throw ExitCode(70) }
        }
    }

    private func memory(_ count: Int) throws -> String {
        let document = try set(count).encoded()
        let before = try resident()
        let start = ContinuousClock.now
        let compiled = try CompiledReferences(parsing: document)
        let elapsed = ContinuousClock.now - start
        let after = try resident()
        guard compiled.runtime?.pathCount == count else { throw ExitCode(70) }
        return "policy of \(count) files: document \(document.count) bytes, read and compiled in \(elapsed), "
            + "resident \(before) KiB before, \(after) KiB after"
    }

    /// KiB, from /proc/self/status.
    private func resident() throws -> Int {
        let text = String(decoding: try Data(contentsOf: URL(filePath: "/proc/self/status")), as: UTF8.self)
        let line = text.split(separator: "\n").first { $0.hasPrefix("VmRSS:") } ?? ""
        return Int(line.split(separator: " ").dropFirst().first ?? "") ?? 0
    }

    /// RV-11: a path of 4 kB against 1,000 patterns that agree with it as long as they can; below a millisecond.
    private func patterns() throws {
        let component = String(repeating: "a", count: 250)
        let path = Array((String(repeating: "/" + component, count: 16) + "/" + String(repeating: "a", count: 79)).utf8)
        let globs = (0..<1000).map { number in
            let head = "/" + String(repeating: "a", count: 100 + number % 100)
            return number % 2 == 0
                ? "\(head)*\(String(repeating: "a", count: 50))/**/*\(String(repeating: "?", count: 70))\(number)"
                : "\(head)*a/\(String(repeating: "a", count: 60))*/**/\(String(repeating: "a", count: 78))\(number % 10)"
        }
        guard let rules = try CompiledReferences(set(1) { $0.exclude = globs }).runtime else { throw ExitCode(70) }
        let entry = RuntimeEntry(path: path, content: .file(Self.digest(-1)))
        var best = Duration.seconds(1)
        for _ in 0..<100 {
            let start = ContinuousClock.now
            guard rules.verdict(entry) == .refused(.unknown) else { throw ExitCode(70) }
            best = min(best, ContinuousClock.now - start)
        }
        print(
            "a path of \(path.count) bytes against \(globs.count) patterns: \(best) (bar 1 ms: "
                + "\(best < .milliseconds(1) ? "holds" : "BROKEN"))")
        guard best < .milliseconds(1) else { throw ExitCode(1) }
    }
}

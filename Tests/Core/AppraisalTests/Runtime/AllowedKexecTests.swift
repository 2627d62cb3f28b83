import Appraisal
import AttestationTestKit
import ReferenceValues
import Testing

/// A kernel that started without a reset of the TPM, judged with what the measurement list shows of it.
@Suite("A kexec and what the references say of it")
struct AllowedKexecTests {
    private static let allowed = "root=/dev/sda1"

    private static func bench() throws -> RuntimeBench {
        try RuntimeBench { $0.kexec = ["\(RuntimeBench.digest(allowed))"] }
    }

    /// The layers below are not judged here, so that layer 7 is self-reported.
    private static func appraise(
        _ bench: RuntimeBench, _ entries: [Measured]?, _ findings: [Finding], judging references: CompiledReferences?
    ) throws -> AttestationResult {
        let list = entries.map(bench.list)
        return Appraiser(
            references: references, policy: AppraisalPolicy(requiredLayers: [], warningPassesIn: [.runtime])
        ).appraise(
            AppraisalInput(
                identityFindings: findings, pcrs: try bench.quoted(bench.list(entries ?? [bench.aggregate()])),
                eventLog: nil, fingerprintFindings: nil, reference: nil, referenceStatus: nil, labMode: false,
                identity: .enrolled, binding: .evidence, atMilliseconds: 0, measurementList: list?.bytes))
    }

    private static let otherKernel = Finding(
        ContinuityCheck.ID.bootWithoutReset, .contraindicated, .tpmIdentity, detail: "another kernel runs")

    @Test("IM-11: a kexec that the references allow, and that the list shows, warns and does not fail the node")
    func allowed() throws {
        let bench = try Self.bench()
        let (aggregate, ls) = (bench.aggregate(), bench.file("/bin/ls", "ls"))
        let kexec = bench.buffer("kexec-cmdline", Self.allowed)
        let result = try Self.appraise(
            bench, [aggregate, ls, kexec, aggregate, ls], [Self.otherKernel], judging: bench.references)
        #expect(result.verdict == .pass)
        #expect(result.layer(.tpmIdentity)?.tier == .warning)
        #expect(result.layer(.tpmIdentity)?.findings.map(\.id) == ["BOOT_KEXEC"])
        // The same finding, read from a stored result, under a set that does not allow it.
        let strict = try RuntimeBench()
        let again = try Self.appraise(
            bench, [aggregate, ls, kexec, aggregate, ls], result.layer(.tpmIdentity)?.findings ?? [],
            judging: strict.references)
        #expect(again.verdict == .fail)
        #expect(again.layer(.tpmIdentity)?.findings.map(\.id) == ["BOOT_WITHOUT_RESET"])
        #expect(again.layer(.tpmIdentity)?.tier == .contraindicated)
    }

    @Test(
        "IM-11: what does not show the allowed kexec allows nothing",
        arguments: ["no list", "not started", "no kexec", "other command line", "unknown file"])
    func notAllowed(_ kind: String) throws {
        let bench = try Self.bench()
        let (aggregate, ls) = (bench.aggregate(), bench.file("/bin/ls", "ls"))
        let kexec = bench.buffer("kexec-cmdline", Self.allowed)
        let lists: [String: [Measured]] = [
            "not started": [aggregate, ls, kexec], "no kexec": [aggregate, ls],
            "other command line": [aggregate, ls, bench.buffer("kexec-cmdline", "init=/evil"), aggregate],
            "unknown file": [aggregate, ls, kexec, aggregate, bench.file("/root/evil", "evil")],
        ]
        let result = try Self.appraise(bench, lists[kind], [Self.otherKernel], judging: bench.references)
        #expect(result.verdict == .fail && result.firstBrokenLayer == .tpmIdentity)
        #expect(result.layer(.tpmIdentity)?.findings.map(\.id) == ["BOOT_WITHOUT_RESET"])
    }

    @Test("IM-11: where no references judge the list, nothing allows another kernel; other findings stay as they are")
    func notJudged() throws {
        let bench = try Self.bench()
        let entries = [
            bench.aggregate(), bench.file("/bin/ls", "ls"), bench.buffer("kexec-cmdline", Self.allowed),
            bench.aggregate(),
        ]
        let none = try Self.appraise(bench, entries, [Self.otherKernel], judging: nil)
        #expect(none.layer(.tpmIdentity)?.tier == .contraindicated && none.verdict == .fail)
        let restart = Finding(ContinuityCheck.ID.restart, .contraindicated, .tpmIdentity, detail: "restart")
        let both = try Self.appraise(bench, entries, [Self.otherKernel, restart], judging: bench.references)
        #expect(both.verdict == .fail)
        #expect(both.layer(.tpmIdentity)?.findings.map(\.id) == ["BOOT_KEXEC", "QUOTE_RESTART"])
    }
}

import Appraisal
import AttestationMessages
import SecurityEvents
import TPMStructures
import TestVectors
import Testing
import VerifierService
import VerifierStore

@Suite("What changed since the last good boot")
struct NodeExplanationTests {
    private let ada = OperatorPeer(name: "ada", roles: Set(Role.allCases), keySHA256: "aa", source: "192.0.2.1")

    private func explain(
        _ bench: VerifierTestBench, _ node: SoftwareNode, with other: String? = nil
    ) async throws -> NodeExplanationView {
        try await NodeService(store: bench.store, random: SystemRandom(), policy: bench.policy)
            .explanation(of: node.id, comparingWith: other, peer: ada)
    }

    private func member(_ view: NodeExplanationView, _ name: String) throws -> JSONValue {
        guard case .object(let members)? = view.comparison, let value = members[name] else {
            throw ServiceError(.unknown, "API_UNKNOWN", "no \(name)")
        }
        return value
    }

    @Test("A changed command line is named with its cause, its event, since when, and the nodes that show the same")
    func changedCommandLine() async throws {
        let bench = try await VerifierTestBench()
        var first = try await bench.enrolled("n1")
        var second = try await bench.enrolled("n2")
        let third = try await bench.enrolled("n3")
        for node in [first, second, third] { #expect(try await bench.attest(node).verdict == .pass) }
        try first.boot(TestVectors.changedCommandLine)
        try second.boot(TestVectors.changedCommandLine)
        bench.advance(60_000)
        let failure = try await bench.attest(first)
        #expect(failure.verdict == .fail)
        bench.advance(60_000)
        #expect(try await bench.attest(first).verdict == .fail)
        #expect(try await explain(bench, first).sameElsewhere.isEmpty)
        #expect(try await bench.attest(second).verdict == .fail)

        let view = try await explain(bench, first)
        #expect(view.verdict?.verdict == .fail && view.lastGood?.verdict == .pass)
        #expect(view.brokenSince?.verdictID == failure.verdictID)
        #expect(view.sameElsewhere == [second.id] && !view.sameElsewhereTruncated)
        #expect(view.lastReboot?.resetCountAfter == 2)
        #expect(view.comparisonMissing == nil)
        #expect(try member(view, "same") == .bool(false))
        #expect(try member(view, "changedRegisters") == .array([.integer(8), .integer(9)]))
        guard case .array(let causes) = try member(view, "causes"), case .object(let cause)? = causes.first else {
            Issue.record("no cause")
            return
        }
        #expect(cause["cause"] == .string("command-line"))
        let told = try await bench.store.read { try $0.auditRecords(before: nil, limit: 5) }
        #expect(told.contains { $0.action == "node.explain" && $0.subject == "n1" })
    }

    @Test("A node that passes, one that never passed and one without evidence say why nothing is compared")
    func nothingToCompare() async throws {
        let bench = try await VerifierTestBench()
        var node = try await bench.enrolled("n1")
        #expect(try await explain(bench, node).comparisonMissing == "no evidence yet")
        try node.boot(TestVectors.changedCommandLine)
        #expect(try await bench.attest(node).verdict == .fail)
        #expect(try await explain(bench, node).comparisonMissing == "the node never passed")
        let good = try await bench.enrolled("n2")
        let pass = try await bench.attest(good)
        let view = try await explain(bench, good)
        #expect(view.comparisonMissing == "the node passes" && view.brokenSince == nil)
        let same = try await explain(bench, good, with: pass.verdictID)
        #expect(try member(same, "same") == .bool(true))
        #expect(await nodeRefusal { _ = try await explain(bench, node, with: pass.verdictID) }?.code == "API_UNKNOWN")
    }

    @Test(
        "IM-11: a kernel without a reset changed no event; the explanation says that it runs, and what is to be cleared"
    )
    func kexec() async throws {
        let bench = try await VerifierTestBench()
        var node = try await bench.enrolled()
        try await bench.attest(node)
        #expect(try await explain(bench, node).verdictToClear == nil)
        node.kexec()
        let first = try await bench.attest(node)
        node.clock.clock += 10
        let second = try await bench.attest(node)
        let view = try await explain(bench, node)
        #expect(view.verdict?.verdictID == second.verdictID && view.verdict?.reasons == ["BOOT_WITHOUT_RESET"])
        #expect(view.verdictToClear == first.verdictID && view.brokenSince?.verdictID == first.verdictID)
        #expect(try member(view, "same") == .bool(true))
        #expect(view.lastReboot?.isWithoutReset == true)
    }

    @Test("A pass after a fail that nobody cleared explains the fail")
    func sticky() async throws {
        let bench = try await VerifierTestBench()
        var node = try await bench.enrolled()
        try await bench.attest(node)
        try node.boot(TestVectors.changedCommandLine)
        let fail = try await bench.attest(node)
        try node.boot(TestVectors.golden)
        #expect(try await bench.attest(node).verdict == .pass)
        let view = try await explain(bench, node)
        #expect(view.verdict?.verdictID == fail.verdictID)
        #expect(try member(view, "changedRegisters") == .array([.integer(8), .integer(9)]))
    }
}

extension SoftwareNode {
    /// The next boot, which measured what the vector's machine did.
    mutating func boot(_ vector: MeasuredBootVector) throws {
        reboot()
        eventLog = try vector.eventLog
        values = PCRValues()
        for (bank, registers) in try vector.pcrs {
            for (index, hex) in registers {
                guard let pcr = PCRIndex(index), let digest = Digest("\(bank):\(hex)") else { continue }
                values.set(digest, bank: digest.algorithm, index: pcr)
            }
        }
    }
}

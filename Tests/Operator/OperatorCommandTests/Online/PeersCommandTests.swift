import AttestationMessages
import Foundation
import SoftwareTPM
import StubVerifier
import Testing

@Suite("bootgate node peers", .enabled(if: isInstalled("openssl")))
struct PeersCommandTests {
    private let folder: TemporaryDirectory
    init() throws { folder = try TemporaryDirectory() }

    private func run(_ report: PeerReport, _ arguments: String...) async throws -> (ProcessResult, [StubRequest]) {
        try await AgainstStub.run(["node", "peers"] + arguments, in: folder) { _ in try StubReply.json(200, report) }
    }

    private static func register(_ pcr: Int, _ agreement: String, machines: Int = 6) -> PeerRegisterView {
        PeerRegisterView(
            pcr: pcr, bank: "sha256", layer: "kernel", machines: machines, agreement: agreement,
            majority: agreement == "no-majority" ? nil : "ab", largestCount: 5,
            distinctValues: agreement == "agreed" ? 1 : 2)
    }

    private static func report(_ outliers: [PeerOutlierView], _ registers: [PeerRegisterView]) -> PeerReport {
        PeerReport(
            minimumMachines: 3,
            classes: [
                PeerClassView(
                    group: "mec", manufacturer: "Dell Inc.", product: "R740\u{1B}[2J", machines: 6,
                    registers: registers, outliers: outliers, outliersLeftOut: 0)
            ], withoutModel: 2, withoutEvidence: 0)
    }

    private static let outlier = PeerOutlierView(
        nodeID: NodeID("edge-04")!, pcr: 9, layer: "kernel", bank: "sha256", majority: "ab", majorityCount: 5,
        machines: 6, seen: "cd", comparedWith: NodeID("edge-01")!,
        events: [
            PeerEventView(
                kind: "changed", event: 46, component: "initrd", name: "/boot/initrd.img", majority: "sha256:ab",
                seen: "sha256:cd", cause: "initrd-rebuilt", details: [])
        ], eventsLeftOut: 0, eventsMissing: nil)

    @Test("An outlier is a line with its register, how many agree and what differs, and exit code 2")
    func outliers() async throws {
        let report = Self.report([Self.outlier], [Self.register(1, "no-majority"), Self.register(9, "majority")])
        let (run, requests) = try await run(report, "--group", "mec")
        #expect(run.status == 2, "\(run.errorText)")
        for part in ["edge-04", "5 of 6", "changed initrd /boot/initrd.img", "PCR 1 (sha256", "2 nodes told no model"] {
            #expect(run.text.contains(part), "\(part): \(run.text)")
        }
        #expect(run.stdout.allSatisfy { $0 >= 0x20 || $0 == 0x0A })
        #expect(requests.map(\.path) == ["/v1/peers?group=mec"])
    }

    @Test("Machines that agree end with exit code 0, and JSON is the whole report")
    func agreement() async throws {
        let report = Self.report([], [Self.register(9, "agreed")])
        let (run, requests) = try await run(report, "-o", "json")
        #expect(run.status == 0, "\(run.errorText)")
        #expect(try JSONDecoder().decode(PeerReport.self, from: Data(run.stdout)) == report)
        #expect(requests.map(\.path) == ["/v1/peers"])
    }

    @Test("Where no class has enough machines, nothing was compared: exit code 75 says so")
    func tooFew() async throws {
        let (run, _) = try await run(Self.report([], [Self.register(9, "too-few", machines: 2)]))
        #expect(run.status == 75)
        #expect(run.errorText.contains("3 machines"))
    }
}

import AttestationMessages
import SecurityEvents
import TPMStructures
import Testing
import VerifierService
import VerifierStore

/// AG-05: what a node says of its hardware is shown, a change is told, and nothing is decided or recognized by it.
@Suite("Hardware as nodes report it")
struct ReportedHardwareTests {
    /// What boards say whose vendor filled nothing in.
    private static let vendorDefaults = PlatformIdentity(
        manufacturer: "System manufacturer", product: "System Product Name", serialNumber: "To be filled by O.E.M.",
        uuid: "03000200-0400-0500-0006-000700080009")

    private func drifts(_ bench: VerifierTestBench) async throws -> [SecurityEvent] {
        try await bench.events().filter { $0.eventID == "FP_CHANGED" }
    }

    @Test("AG-05: two nodes with the same vendor defaults stay two")
    func vendorDefaults() async throws {
        let bench = try await VerifierTestBench()
        var nodes: [SoftwareNode] = []
        for name in ["n1", "n2"] {
            var node = try SoftwareNode(name)
            node.platform = Self.vendorDefaults
            try await bench.addToManifest(node)
            #expect(try await bench.enroll(node).lifecycle == .enrolled)
            #expect(try await bench.attest(node).verdict == .pass)
            nodes.append(node)
        }
        let ids = nodes.map(\.id)
        let identities = try await bench.store.read { snapshot in try ids.map { try snapshot.identities(of: $0) } }
        #expect(identities.map(\.count) == [1, 1])
        #expect(identities[0].first?.ekName == nodes[0].ekName && identities[1].first?.ekName == nodes[1].ekName)
        // What befalls one befalls that one.
        nodes[0].clock.restartCount += 1
        #expect(try await bench.attest(nodes[0]).verdict == .fail)
        #expect(try await bench.decision(nodes[0]) == "ADM_STICKY_FAIL")
        #expect(try await bench.attest(nodes[1]).verdict == .pass)
        #expect(try await bench.decision(nodes[1]) == "admit")
        #expect(try await drifts(bench).isEmpty)
    }

    struct Change: CustomTestStringConvertible, Sendable {
        var field: String
        var testDescription: String { field }
        var make: @Sendable (inout PlatformIdentity) -> Void
        var told: String
    }

    static let changes = [
        Change(field: "manufacturer", make: { $0.manufacturer = "Other" }, told: "Vendor -> Other"),
        Change(field: "product", make: { $0.product = "P2" }, told: "P1 -> P2"),
        Change(field: "serialNumber", make: { $0.serialNumber = "S2" }, told: "S1 -> S2"),
        Change(field: "uuid", make: { $0.uuid = nil }, told: "u1 -> nothing"),
    ]

    @Test(
        "AG-05: a changed field of the SMBIOS is FP_CHANGED with what it was and is, and changes nothing else",
        arguments: changes)
    func drift(_ change: Change) async throws {
        let bench = try await VerifierTestBench()
        var node = try SoftwareNode("n1")
        node.platform = PlatformIdentity(manufacturer: "Vendor", product: "P1", serialNumber: "S1", uuid: "u1")
        try await bench.addToManifest(node)
        try await bench.enroll(node)
        #expect(try await bench.attest(node).verdict == .pass)
        try await bench.enroll(node)
        #expect(try await drifts(bench).isEmpty)
        let before = try await bench.record(node)

        // The agent tells of its hardware when it enrolls, as after its state was lost.
        change.make(&node.platform)
        #expect(try await bench.enroll(node).lifecycle == .enrolled)
        let told = try await drifts(bench)
        #expect(told.count == 1 && told.first?.severity == .medium && told.first?.node == "n1")
        #expect(told.first?.fields[change.field] == change.told)
        #expect(Self.changes.filter { told.first?.fields[$0.field] != nil }.count == 1)
        let after = try await bench.record(node)
        #expect(after?.platform == node.platform && after?.identityID == before?.identityID)
        #expect(after?.standing == .good && after?.lifecycle == .enrolled)
        #expect(try await bench.decision(node) == "admit")
        #expect(try await bench.attest(node).verdict == .pass)
    }

    @Test("AG-05: a failed node that claims the hardware of a good one stays failed, and itself")
    func lie() async throws {
        let bench = try await VerifierTestBench()
        var good = try SoftwareNode("n1")
        good.platform = PlatformIdentity(manufacturer: "Vendor", product: "P1", serialNumber: "S1", uuid: "u1")
        var bad = try SoftwareNode("n2")
        bad.platform = PlatformIdentity(manufacturer: "Vendor", product: "P1", serialNumber: "S2", uuid: "u2")
        for node in [good, bad] {
            try await bench.addToManifest(node)
            try await bench.enroll(node)
            try await bench.attest(node)
        }
        bad.clock.restartCount += 1
        #expect(try await bench.attest(bad).verdict == .fail)
        bad.platform = good.platform
        try await bench.enroll(bad)
        bad.clock.clock += 10
        try await bench.attest(bad)
        #expect(try await bench.record(bad)?.standing == .failed)
        #expect(try await bench.decision(bad) == "ADM_STICKY_FAIL")
        #expect(try await bench.record(good)?.standing == .good)
        #expect(try await bench.decision(good) == "admit")
        #expect(try await drifts(bench).first?.fields["serialNumber"] == "S2 -> S1")
    }
}

import Appraisal
import AttestationTestKit
import ByteParsing
import ReferenceValues
import TCGEventLog
import TPMStructures
import TestVectors
import Testing

@Suite("Boots and matches, but known vulnerable")
struct RevocationTests {
    private static let held = Hex.encode([UInt8](repeating: 0xA5, count: 32))
    private static let other = Hex.encode([UInt8](repeating: 0x5A, count: 32))

    private func feed(
        dbx: [String] = [], sbat: [String] = [], components: [RevocationFeed.Component] = []
    ) throws -> CompiledRevocations {
        try CompiledRevocations(
            RevocationFeed(
                date: "2026-11-01T00:00:00Z", provenance: ["test"], dbx: dbx, sbat: sbat, components: components))
    }

    private func boot(_ edit: (inout EventLogBuilder) -> Void = { _ in }) throws -> SealedMachine {
        var builder = EventLogBuilder.honest()
        edit(&builder)
        return try SealedMachine(builder)
    }

    /// Judged by the machine's own values, so that nothing but the feed can object.
    private func appraise(
        _ machine: SealedMachine, _ feed: CompiledRevocations, staleFails: Bool = false
    ) throws -> AttestationResult {
        Appraiser(
            references: try CompiledReferences(machine.captured()),
            policy: AppraisalPolicy(requiredLayers: [], warningPassesIn: [], staleRevocationsFail: staleFails),
            revocations: feed
        ).appraise(machine.input())
    }

    private func shim(_ machine: SealedMachine) throws -> Digest {
        let log = try TCGEventLog(parsing: machine.eventLog)
        let event = try #require(log.events.first { $0.untrustedEventType == .efiBootServicesApplication })
        return try #require(event.digest(.sha256))
    }

    @Test("EL-20: the same PCR 4 digest on the allow-list and in the feed is refused, by name and CVE")
    func component() throws {
        let machine = try boot()
        let digest = try shim(machine)
        let result = try appraise(
            machine,
            feed(components: [
                RevocationFeed.Component(name: "shim 15.7", digests: [digest.description], cves: ["CVE-2023-40547"])
            ]))
        #expect(result.verdict == .fail && result.firstBrokenLayer == .bootLoader)
        let finding = try #require(result.findings.first { $0.id == "REF_REVOKED_COMPONENT" })
        #expect(finding.pcr == 4 && finding.name == "shim 15.7" && finding.seen == digest.description)
        #expect(finding.detail.contains("CVE-2023-40547"))
        let clean = try appraise(
            machine,
            feed(components: [
                RevocationFeed.Component(name: "x", digests: ["sha256:\(Self.other)"], cves: [])
            ]))
        #expect(clean.verdict == .pass)
    }

    @Test("EL-20: an image that the feed's dbx forbids is refused although this machine's dbx let it boot")
    func forbiddenImage() throws {
        let machine = try boot()
        let digest = try shim(machine)
        let result = try appraise(machine, feed(dbx: [Self.held, digest.hex]))
        #expect(result.verdict == .fail)
        #expect(result.findings.contains { $0.id == "REF_REVOKED_COMPONENT" && $0.seen == digest.description })
    }

    @Test("EL-20: an older dbx is a warning that passes, and fails by policy; one that holds all entries is neither")
    func staleDBX() throws {
        let machine = try boot()
        let fresh = try appraise(machine, feed(dbx: [Self.held]), staleFails: true)
        #expect(fresh.verdict == .pass && fresh.reasons.isEmpty)
        let warned = try appraise(machine, feed(dbx: [Self.held, Self.other]))
        #expect(warned.verdict == .pass && warned.reasons == ["REF_DBX_STALE"])
        #expect(warned.layer(.secureBoot)?.tier == .warning)
        let finding = try #require(warned.findings.first { $0.id == "REF_DBX_STALE" })
        #expect(finding.pcr == 7 && finding.event != nil && finding.seen == "1 of them missing")
        let failed = try appraise(machine, feed(dbx: [Self.held, Self.other]), staleFails: true)
        #expect(failed.verdict == .fail && failed.firstBrokenLayer == .secureBoot)
    }

    @Test("EL-20: a dbx whose logged entries are not what was extended counts as none")
    func unverifiedDBX() throws {
        let machine = try boot { builder in
            guard
                let place = builder.index(where: {
                    $0.type == .efiVariableDriverConfig && $0.data.count > 60
                        && Array($0.data.dropFirst(32).prefix(6)) == [0x64, 0, 0x62, 0, 0x78, 0]
                })
            else { return }
            builder.events[place].data[builder.events[place].data.count - 1] ^= 1
        }
        let result = try appraise(machine, feed(dbx: [Self.held]), staleFails: true)
        #expect(result.findings.first { $0.id == "REF_DBX_STALE" }?.seen == "no readable dbx")
    }

    @Test("EL-20: an SBAT level below the minimum, or none at all, is stale")
    func staleSBAT() throws {
        func level(_ text: String) throws -> SealedMachine {
            try boot { builder in
                builder.append(
                    7, .efiVariableAuthority, EventLogData.variable("SbatLevel", value: Array(text.utf8)))
            }
        }
        let minimum = try feed(sbat: ["shim,4", "grub,3"])
        let good = try appraise(level("sbat,1,2024010900\nshim,4\ngrub,4\n"), minimum, staleFails: true)
        #expect(good.verdict == .pass, "\(good.reasons)")
        let old = try appraise(level("sbat,1,2021030218\nshim,3\ngrub,3\n"), minimum)
        #expect(old.verdict == .pass && old.reasons == ["REF_SBAT_STALE"])
        #expect(old.findings.first { $0.id == "REF_SBAT_STALE" }?.expected == "shim 4")
        #expect(try appraise(level("sbat,1,2021030218\nshim,4\n"), minimum, staleFails: true).verdict == .fail)
        #expect(try appraise(boot(), minimum, staleFails: true).verdict == .fail)
    }

    @Test("A warning of another kind still does not pass beside a stale list")
    func otherWarnings() throws {
        let machine = try boot()
        var set = try machine.captured()
        for place in set.layers.indices where set.layers[place].id == LayerID.bootLoader.rawValue {
            set.layers[place].onUnknown = .warn
        }
        let changed = try boot { builder in
            builder.append(
                4, .efiBootServicesApplication, EventLogData.imageLoad(file: "\\x.efi"), measuring: Array("x".utf8))
        }
        let result = Appraiser(
            references: try CompiledReferences(set), policy: .strict,
            revocations: try feed(dbx: [Self.other])
        ).appraise(changed.input())
        #expect(result.verdict == .fail)
    }
}

import Appraisal
import AssetFingerprints
import AttestationMessages
import ByteParsing
import Crypto
import SecurityEvents
import Testing
import VerifierService

@Suite struct FingerprintServiceTests {
    let fixture: OperatorFixture
    init() throws { fixture = try OperatorFixture() }

    private func report(_ users: [String]) -> FingerprintReport {
        FingerprintReport(
            users.map { Account.user(name: $0, uid: 1000, gid: 1000, home: "/home/\($0)", shell: "/bin/sh") })
    }

    private func store(_ report: FingerprintReport, of node: NodeID, at milliseconds: Int64) async throws {
        let digest = Array(SHA256.hash(data: report.canonicalBytes))
        try await fixture.store.write { tx in
            try tx.saveBlob(report.canonicalBytes, sha256: digest)
            try tx.insert(
                FingerprintReportRecord(
                    nodeID: node, kind: report.kind, sha256: digest, collectedAtMilliseconds: milliseconds,
                    receivedAtMilliseconds: milliseconds))
        }
    }

    @Test("The last report and the history are shown newest first, page by page")
    func history() async throws {
        let node = try await fixture.enroll("edge-1")
        for number in 1...5 { try await store(report(["user\(number)"]), of: node, at: Int64(number) * 1_000) }
        let service = fixture.fingerprints()
        let last = try await service.fingerprint(.accounts, of: node, peer: fixture.ada)
        #expect(last.receivedAtMilliseconds == 5_000 && last.report.bytes == report(["user5"]).canonicalBytes)
        var seen: [Int64] = []
        var cursor: String?
        repeat {
            let page = try await service.fingerprintHistory(
                .accounts, of: node, cursor: cursor, limit: 2, peer: fixture.ada)
            seen += page.items.map(\.receivedAtMilliseconds)
            cursor = page.nextCursor
        } while cursor != nil
        #expect(seen == [5_000, 4_000, 3_000, 2_000, 1_000])
        #expect(
            try await refusalCode { try await service.fingerprint(.listeningPorts, of: node, peer: fixture.ada) }
                == "API_UNKNOWN")
    }

    @Test("RV-03: a baseline from a node's report counts only after another person approved these bytes")
    func baseline() async throws {
        let node = try await fixture.enroll("edge-1")
        try await store(report(["alice"]), of: node, at: 1_000)
        let service = fixture.fingerprints()
        let proposed = try await service.proposeBaseline(
            .accounts, group: "default",
            FingerprintBaselineRequest(document: nil, fromNode: node, allow: ["user/svc-*"]), peer: fixture.ada)
        #expect(proposed.status == .proposed && proposed.version == 1)
        #expect(
            try await fixture.store.read { try $0.baseline(group: "default", kind: .accounts, version: nil) } == nil)
        func approve(_ peer: OperatorPeer, sha: String? = nil, version: Int = 1) async throws -> String? {
            try await refusalCode {
                try await service.approveBaseline(
                    .accounts, group: "default", version: version,
                    ReferenceActRequest(documentSHA256: sha ?? proposed.documentSHA256, reason: "test"), peer: peer)
            }
        }
        #expect(try await approve(fixture.ada) == "REF_NEEDS_APPROVAL")
        #expect(try await approve(fixture.adaAgain) == "REF_NEEDS_APPROVAL")
        #expect(try await approve(fixture.bob, sha: String(repeating: "0", count: 64)) == "REF_CONTENT_CHANGED")
        #expect(try await approve(fixture.bob) == nil)
        #expect(try await approve(fixture.bob) == "REF_ROLLBACK")
        // A second version retires the first.
        let second = try await service.proposeBaseline(
            .accounts, group: "default",
            FingerprintBaselineRequest(document: proposed.document, fromNode: nil, allow: ["user/tmp-*"]),
            peer: fixture.bob)
        #expect(second.version == 2)
        #expect(try await approve(fixture.ada, sha: second.documentSHA256, version: 2) == nil)
        let active = try await fixture.store.read { try $0.baseline(group: "default", kind: .accounts, version: nil) }
        #expect(active?.version == 2)
    }

    @Test("RV-11: an allow rule that would match anything, or is a regular expression, is refused")
    func patterns() async throws {
        let node = try await fixture.enroll("edge-1")
        try await store(report(["alice"]), of: node, at: 1_000)
        for pattern in ["*", "(a+)+$", "", String(repeating: "a", count: 10_000)] {
            #expect(
                try await refusalCode {
                    try await fixture.fingerprints().proposeBaseline(
                        .accounts, group: "default",
                        FingerprintBaselineRequest(document: nil, fromNode: node, allow: [pattern]), peer: fixture.ada)
                } == "POL_PATTERN", "\(pattern.prefix(10))")
        }
    }

    @Test("Differences warn or deny as the group says, a missing report is never agreement, no baseline covers nothing")
    func findings() throws {
        let expected = report(["alice", "bob"])
        let baseline = try FingerprintBaseline(report: expected, allow: ["user/svc-*"])
        let baselines: [FingerprintKind: FingerprintBaseline] = [.accounts: baseline]
        #expect(FingerprintFindings.findings([:], against: [:], denies: true) == nil)
        #expect(
            FingerprintFindings.findings(
                [.accounts: report(["alice", "bob", "svc-1"]).canonicalBytes], against: baselines, denies: true) == [])
        let changed: [FingerprintKind: [UInt8]] = [.accounts: report(["alice", "mallory"]).canonicalBytes]
        let denied = try #require(FingerprintFindings.findings(changed, against: baselines, denies: true))
        #expect(denied.map(\.id) == ["FP_CHANGED", "FP_CHANGED"])
        #expect(denied.allSatisfy { $0.tier == .contraindicated })
        #expect(denied.map(\.name) == ["accounts user/bob", "accounts user/mallory"])
        let warned = try #require(FingerprintFindings.findings(changed, against: baselines, denies: false))
        #expect(warned.allSatisfy { $0.tier == .warning })
        #expect(FingerprintFindings.findings([:], against: baselines, denies: true)?.map(\.tier) == [.none])
        #expect(FingerprintFindings.findings([:], against: baselines, denies: false)?.map(\.tier) == [.warning])
        #expect(
            FingerprintFindings.findings([.accounts: [0x7B]], against: baselines, denies: false)?.map(\.id)
                == ["FP_MALFORMED"])
        let many = report((0..<300).map { "u\($0)" })
        #expect(
            FingerprintFindings.findings([.accounts: many.canonicalBytes], against: baselines, denies: true)?.count
                == FingerprintFindings.maxListed + 1)
    }

    @Test("RV-10: only operators set a group's settings, and every wrong field is named at once")
    func settings() async throws {
        let service = fixture.fingerprints()
        let defaults = try await service.settings(group: "default", peer: fixture.ada)
        #expect(defaults.attestationIntervalSeconds == 300)
        var wrong = defaults
        wrong.attestationIntervalSeconds = 9
        wrong.fingerprintIntervals[.accounts] = 604_801
        wrong.fingerprintIntervals[.listeningPorts] = nil
        wrong.requiredLayers = ["kernel", "moon"]
        wrong.warningPassesIn = ["tpm-identity"]
        wrong.fingerprintDifference = "ignore"
        do {
            _ = try await service.setSettings(wrong, group: "default", peer: fixture.ada)
            Issue.record("accepted")
        } catch let error as ServiceError {
            #expect(error.code == "POL_SETTINGS")
            for word in ["attestationInterval", "accounts", "listeningPorts", "moon", "tpm-identity", "warn or deny"] {
                #expect(error.detail.contains(word), "\(word)")
            }
        }
        var right = defaults
        right.attestationIntervalSeconds = 10
        right.fingerprintIntervals[.accounts] = 604_800
        right.requiredLayers = ["kernel"]
        right.fingerprintDifference = "deny"
        #expect(try await service.setSettings(right, group: "edge", peer: fixture.ada) == right)
        #expect(try await service.settings(group: "edge", peer: fixture.bob) == right)
        #expect(try await service.settings(group: "default", peer: fixture.bob) == defaults)
        #expect(
            try await fixture.events().contains {
                $0.eventID == "GROUP_SETTINGS_CHANGED" && $0.fields["group"] == "edge"
            })
        // A node's class is what its record says: no message of a node carries one.
        let node = try await fixture.enroll("edge-1")
        #expect(try await fixture.node(node)?.group == "default")
    }
}

import AssetFingerprints
import AttestationMessages
import ByteParsing
import SecurityEvents
import SoftwareTPM
import Testing
import VerifierService

@Suite struct OversightServiceTests {
    let fixture: OperatorFixture
    init() throws { fixture = try OperatorFixture() }

    private func raise(_ eventID: String, boot: String) async throws {
        _ = try await fixture.store.write { tx in
            try tx.raise(
                EventDraft(
                    eventID: eventID, severity: SecurityEventCatalogue.severity(eventID), outcome: "failure",
                    node: "edge-1", message: "\(eventID) in boot \(boot)", foldingKey: boot))
        }
    }

    @Test("SO-09: repeats fold by node, reason and boot; a new reason and a new boot are always sent")
    func folding() async throws {
        for _ in 1...3 { try await raise("LOG_REPLAY", boot: "1") }
        try await raise("REF_SECUREBOOT", boot: "1")
        try await raise("LOG_REPLAY", boot: "2")
        let alarms = try await fixture.oversight.alarms(
            open: true, node: nil, cursor: nil, limit: 10, peer: fixture.ada
        ).items
        #expect(
            Set(alarms.map { "\($0.eventID) \($0.count)" }) == ["LOG_REPLAY 3", "REF_SECUREBOOT 1", "LOG_REPLAY 1"])
        let sent = try await fixture.events().map(\.message)
        #expect(sent == ["LOG_REPLAY in boot 1", "REF_SECUREBOOT in boot 1", "LOG_REPLAY in boot 2"])
        #expect(alarms.allSatisfy { $0.detail["nextStep"]?.isEmpty == false })
    }

    @Test("After an acknowledgement the next occurrence is a new alarm; acknowledging twice is refused")
    func acknowledge() async throws {
        try await raise("LOG_REPLAY", boot: "1")
        let oversight = fixture.oversight
        let id = try #require(
            try await oversight.alarms(open: nil, node: nil, cursor: nil, limit: 1, peer: fixture.ada).items.first
        ).alarmID
        #expect(
            try await refusalCode { try await oversight.acknowledge(id, reason: "", peer: fixture.ada) } == "API_REASON"
        )
        #expect(try await oversight.acknowledge(id, reason: "seen", peer: fixture.ada).acknowledgedBy == "ada")
        #expect(
            try await refusalCode { try await oversight.acknowledge(id, reason: "seen", peer: fixture.bob) }
                == "ALARM_STATE")
        try await raise("LOG_REPLAY", boot: "1")
        #expect(
            try await oversight.alarms(open: true, node: NodeID("edge-1"), cursor: nil, limit: 9, peer: fixture.ada)
                .items.count == 1)
        #expect(try await fixture.events().count == 2)
    }

    static func key(_ seed: UInt8) -> String { Hex.encode([UInt8](repeating: seed, count: 32)) }

    @Test("Operators come by request, one person one key, and the last security-admin stays")
    func operators() async throws {
        let oversight = fixture.oversight
        func add(_ name: String, _ roles: [Role], key: [UInt8]?) async throws -> String? {
            try await refusalCode {
                try await oversight.addOperator(
                    OperatorRequest(name: name, roles: roles, certificateRequest: key.map { WireBytes($0) }),
                    peer: fixture.ada)
            }
        }
        #expect(try await add("root", [.securityAdmin], key: [1]) == nil)
        #expect(try await add("root", [.viewer], key: [2]) == "OPERATOR_EXISTS")
        #expect(try await add("twin", [.approver], key: [1]) == "OPERATOR_KEY_REUSED")
        #expect(try await add("nobody", [], key: [3]) == "OPERATOR_ROLES")
        #expect(try await add("nokey", [.viewer], key: nil) == "OPERATOR_CSR")
        #expect(try await add("Bad Name", [.viewer], key: [4]) == "API_BAD_NAME")
        #expect(try await oversight.identify(name: "root", keySHA256: Self.key(1)) == [.securityAdmin])
        #expect(try await oversight.identify(name: "root", keySHA256: Self.key(2)) == nil)
        #expect(try await oversight.identify(name: "stranger", keySHA256: Self.key(1)) == nil)
        #expect(
            try await refusalCode { try await oversight.removeOperator("root", peer: fixture.ada) }
                == "OPERATOR_LAST_ADMIN"
        )
        #expect(
            try await refusalCode { try await oversight.setRoles([.viewer], of: "root", peer: fixture.ada) }
                == "OPERATOR_LAST_ADMIN")
        #expect(try await add("second", [.securityAdmin, .auditor], key: [5]) == nil)
        #expect(try await oversight.removeOperator("root", peer: fixture.ada).active == false)
        #expect(try await oversight.identify(name: "root", keySHA256: Self.key(1)) == nil)
        #expect(
            try await refusalCode { try await oversight.removeOperator("second", peer: fixture.ada) }
                == "OPERATOR_LAST_ADMIN")
        let changes = try await fixture.events().filter { $0.eventID == "OPERATOR_CHANGED" }
        #expect(changes.count == 3 && changes.allSatisfy { $0.severity == .medium && $0.actor == "ada" })
    }

    @Test("Every operator call is in the audit log, refused ones too, and the chain holds")
    func audit() async throws {
        let oversight = fixture.oversight
        let node = try await fixture.enroll("edge-1")
        _ = try await fixture.nodes.node(node, peer: fixture.bob)
        _ = try? await fixture.nodes.node(try #require(NodeID("edge-2")), peer: fixture.bob)
        _ = try await oversight.testSIEM(peer: fixture.ada)
        try await oversight.refused(code: "API_ROLE", actor: "node:edge-1", route: "GET /v1/audit", source: "s")
        var actions: [String] = []
        var cursor: String?
        repeat {
            let page = try await oversight.auditRecords(cursor: cursor, limit: 2, peer: fixture.ada)
            actions += page.items.map { "\($0.actor) \($0.action) \($0.outcome)" }
            cursor = page.nextCursor
        } while cursor != nil
        for expected in [
            "operator:bob node.show success", "operator:bob node.show failure", "operator:ada siem.test success",
            "node:edge-1 request.refused failure",
        ] { #expect(actions.contains(expected), "\(expected)") }
        let verification = try await oversight.verifyAudit(peer: fixture.ada)
        #expect(verification.firstBadNumber == nil && verification.recordCount >= 6)
        #expect(try await fixture.events().contains { $0.eventID == "SIEM_TEST" })
        #expect(try await fixture.events().contains { $0.eventID == "API_ROLE" && $0.severity == .high })
    }

    @Test("SO-11: what was raised and not delivered is there after a restart, under its id")
    func restart() async throws {
        try await raise("LOG_REPLAY", boot: "1")
        let before = try await fixture.events()
        try runProcessSuccessfully("sqlite3", [fixture.directory.file("store.sqlite"), "SELECT count(*) FROM outbox"])
        let again = try fixture.reopened()
        #expect(try await again.read { try $0.outbox(after: 0, limit: 10) } == before)
    }

    @Test("A SIEM destination is given up only when it is no longer configured; the events that it lacked go with it")
    func droppedDestination() async throws {
        try await fixture.store.write { tx in
            for (name, removed) in [("old", 5 as Int64?), ("new", nil)] {
                try tx.save(
                    DestinationRecord(
                        name: name, kind: "json-lines", target: "/x", deliveredSequence: 0,
                        lastDeliveredAtMilliseconds: nil, lastError: nil, removedAtMilliseconds: removed))
            }
        }
        try await raise("LOG_REPLAY", boot: "1")
        let sequence = try #require(try await fixture.events().last).sequence
        try await fixture.store.write { try $0.delivered("new", through: sequence) }
        let oversight = fixture.oversight
        #expect(
            try await refusalCode { try await oversight.dropSIEM("new", reason: "r", peer: fixture.ada) }
                == "SIEM_STATE")
        #expect(
            try await refusalCode { try await oversight.dropSIEM("none", reason: "r", peer: fixture.ada) }
                == "API_UNKNOWN")
        #expect(
            try await refusalCode { try await oversight.dropSIEM("old", reason: "", peer: fixture.ada) } != nil)
        let before = try await oversight.siemDestinations(peer: fixture.ada)
        #expect(before.first { $0.name == "old" }?.removedAtMilliseconds == 5)
        #expect(before.first { $0.name == "old" }?.backlog == 1)
        let left = try await oversight.dropSIEM("old", reason: "replaced", peer: fixture.ada)
        #expect(left.map(\.name) == ["new"])
        #expect(try await fixture.events().map(\.eventID) == ["SIEM_DESTINATION_DROPPED"])
        #expect(try await fixture.events().first?.fields["backlog"] == "1")
        #expect(try await fixture.lastAudit()?.action == "siem.drop")
    }

    @Test("TA-12: no text in any parameter reaches the database as anything but a value")
    func injection() async throws {
        let node = try await fixture.enroll("edge-1")
        let tables = try tableList()
        for payload in Self.payloads {
            #expect(NodeID(payload) == nil)
            let filter = NodeFilter(site: payload, group: payload)
            #expect(try await fixture.nodes.nodes(filter, cursor: nil, limit: 5, peer: fixture.ada).items.isEmpty)
            let oversight = fixture.oversight
            let nodes = fixture.nodes
            let references = fixture.references()
            let fingerprints = fixture.fingerprints()
            let codes = [
                try await refusalCode {
                    try await nodes.nodes(NodeFilter(), cursor: payload, limit: 5, peer: fixture.ada)
                },
                try await refusalCode {
                    try await nodes.history(of: node, cursor: payload, limit: 5, peer: fixture.ada)
                },
                try await refusalCode { try await nodes.verdict(payload, of: node, peer: fixture.ada) },
                try await refusalCode { try await references.reference(payload, version: nil, peer: fixture.ada) },
                try await refusalCode { try await fingerprints.settings(group: payload, peer: fixture.ada) },
                try await refusalCode {
                    try await fingerprints.fingerprintHistory(
                        .accounts, of: node, cursor: payload, limit: 5, peer: fixture.ada)
                },
                try await refusalCode { try await oversight.alarm(payload, peer: fixture.ada) },
                try await refusalCode {
                    try await oversight.alarms(open: nil, node: nil, cursor: payload, limit: 5, peer: fixture.ada)
                },
                try await refusalCode {
                    try await oversight.auditRecords(cursor: payload, limit: 5, peer: fixture.ada)
                },
                try await refusalCode { try await oversight.removeOperator(payload, peer: fixture.ada) },
            ]
            for code in codes { #expect(code?.hasPrefix("API_") == true, "\(payload): \(code ?? "accepted")") }
            // Text that is stored comes back as it was; controls in columns in their printable form.
            try await oversight.refused(code: "API_JSON", actor: payload, route: payload, source: payload)
            let alarm = try await fixture.store.read { try $0.auditRecords(before: nil, limit: 1).first }
            #expect(alarm?.actor == SecurityEventText.printable(payload) && alarm?.detail["source"] == payload)
        }
        #expect(try tableList() == tables)
        #expect(try await fixture.oversight.verifyAudit(peer: fixture.ada).firstBadNumber == nil)
        #expect(try await fixture.node(node) != nil)
        for limit in [0, -1, 1_001, .max, .min] {
            #expect(
                try await refusalCode {
                    try await fixture.nodes.nodes(NodeFilter(), cursor: nil, limit: limit, peer: fixture.ada)
                } == "API_LIMIT")
        }
    }

    private func tableList() throws -> String {
        try runProcessSuccessfully(
            "sqlite3", [fixture.directory.file("store.sqlite"), "SELECT name, sql FROM sqlite_master ORDER BY name"]
        ).text
    }

    /// 60 payloads: each opening with each ending.
    static let payloads: [String] = {
        let openings = ["'", "\"", "')", "\")", "1", "x';", "edge-1'", "%27", "\\'", "';\u{0}"]
        let endings = [
            " OR '1'='1", "; DROP TABLE nodes; --", " UNION SELECT sql FROM sqlite_master --",
            " AND (SELECT load_extension('x'))", "; ATTACH '/tmp/x' AS x; --", "/**/OR/**/1=1",
        ]
        return openings.flatMap { opening in endings.map { opening + $0 } }
    }()
}

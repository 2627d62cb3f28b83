import AttestationMessages
import SecurityEvents
import Testing
import VerifierService
import VerifierStore

/// Where the audit log and the outbox stood before a step, and how often each alarm was raised.
struct LedgerMark {
    var record: Int64
    var event: Int64
    var alarms: [String: Int]
}

/// What each refusal and each verdict owes besides its answer (rule 4 of the attack catalogue).
extension VerifierTestBench {
    func mark() async throws -> LedgerMark {
        try await store.read { snapshot in
            LedgerMark(
                record: try snapshot.auditRecords(before: nil, limit: 1).first?.number ?? 0,
                event: try Self.lastSequence(snapshot), alarms: try Self.alarmCounts(snapshot))
        }
    }

    private static func lastSequence(_ snapshot: any StoreSnapshot) throws -> Int64 {
        var last: Int64 = 0
        while let next = try snapshot.outbox(after: last, limit: 1000).last { last = next.sequence }
        return last
    }

    private static func alarmCounts(_ snapshot: any StoreSnapshot) throws -> [String: Int] {
        try snapshot.alarms(open: nil, node: nil, before: nil, limit: 1000).reduce(into: [:]) {
            $0[$1.eventID, default: 0] += $1.count
        }
    }

    func records(since mark: LedgerMark) async throws -> [AuditRecordView] {
        try await store.read { try $0.auditRecords(before: nil, limit: 1000) }.filter { $0.number > mark.record }
    }

    /// Exactly one audit record since the mark names the code, and the event of the code has the level of its row.
    ///
    /// - Parameter level: nil where the code raises no alarm.
    func expectTold(
        _ code: String, _ level: SecurityEventSeverity?, since mark: LedgerMark,
        _ location: SourceLocation = #_sourceLocation
    ) async throws {
        let naming = try await records(since: mark).filter { record in
            record.detail["code"] == code
                || record.detail["reasons"]?.split(separator: ",").contains(Substring(code)) == true
        }
        #expect(naming.count == 1, "audit records with \(code): \(naming)", sourceLocation: location)
        #expect(naming.allSatisfy { $0.outcome == "failure" }, sourceLocation: location)
        let (alarms, after) = try await store.read { snapshot in
            (
                try snapshot.alarms(open: nil, node: nil, before: nil, limit: 1000).filter { $0.eventID == code },
                try Self.alarmCounts(snapshot)
            )
        }
        // The same alarm again is counted, not sent again: the count is what always moves.
        let raised = (after[code] ?? 0) - (mark.alarms[code] ?? 0)
        #expect((raised > 0) == (level != nil), "\(code) was raised \(raised) times", sourceLocation: location)
        #expect(alarms.allSatisfy { $0.severity == level || level == nil }, "\(alarms)", sourceLocation: location)
    }

    /// A request that must be refused.
    @discardableResult
    func expectRefusal(
        _ kind: ServiceError.Kind, _ code: String, _ level: SecurityEventSeverity?,
        _ location: SourceLocation = #_sourceLocation, _ body: () async throws -> Void
    ) async throws -> ServiceError? {
        let before = try await mark()
        let error = await nodeRefusal(body)
        #expect(error?.kind == kind && error?.code == code, "\(String(describing: error))", sourceLocation: location)
        try await expectTold(code, level, since: before, location)
        return error
    }

    /// Evidence that must get this verdict, for this reason.
    @discardableResult
    func expectVerdict(
        _ verdict: Verdict, _ code: String, _ level: SecurityEventSeverity?,
        _ location: SourceLocation = #_sourceLocation, _ body: () async throws -> EvidenceReply
    ) async throws -> VerdictRecord? {
        let before = try await mark()
        let reply = try await body()
        #expect(reply.verdict == verdict, sourceLocation: location)
        let record = try await store.read { try $0.verdict(reply.verdictID ?? "") }
        #expect(
            record?.reasons.contains(code) == true, "\(String(describing: record?.reasons))", sourceLocation: location)
        try await expectTold(code, level, since: before, location)
        return record
    }
}

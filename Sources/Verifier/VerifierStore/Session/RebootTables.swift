internal import AttestationMessages
internal import GRDB
internal import VerifierService

extension SQLiteSession {
    private static let rebootColumns = [
        "node_id", "ak_name", "at", "reset_before", "restart_before", "reset_after", "restart_after",
        "last_evidence_at", "boot_id_before", "boot_id_after", "verdict_id", "explanation", "explained_by", "reason",
        "findings",
    ]
    private static let selectReboot = "SELECT number, \(rebootColumns.joined(separator: ", ")) FROM reboots"

    func reboots(of node: NodeID, before cursor: Int64?, limit: Int) throws -> [RebootView] {
        try rows(
            Self.selectReboot + " WHERE node_id = ? AND number < ? ORDER BY number DESC LIMIT ?",
            [node.rawValue, cursor ?? Int64.max, limit]
        ).map { row in
            var columns = ColumnReader(row, "reboots")
            let number = try columns.integer()
            let nodeID = try columns.nodeID()
            _ = try columns.bytes()
            let at = try columns.integer()
            let before = (reset: try columns.uint32(), restart: try columns.uint32())
            let after = (reset: try columns.uint32(), restart: try columns.uint32())
            let last = try columns.optionalInteger()
            return try RebootView(
                number: number, nodeID: nodeID, seenAtMilliseconds: at, resetCountBefore: before.reset,
                restartCountBefore: before.restart, resetCountAfter: after.reset, restartCountAfter: after.restart,
                unseenBoots: RebootRecord.unseenBoots(before: before, after: after), lastEvidenceAtMilliseconds: last,
                withoutEvidenceMilliseconds: last.map { max(0, at - $0) }, bootIDBefore: columns.optionalText(),
                bootIDAfter: columns.optionalText(), verdictID: columns.text(), explanation: columns.value(),
                explainedBy: columns.optionalText(), reason: columns.optionalText(), findings: columns.list())
        }
    }

    func insert(_ reboot: RebootRecord) throws {
        let marks = [String](repeating: "?", count: Self.rebootColumns.count).joined(separator: ", ")
        try execute(
            "INSERT INTO reboots (\(Self.rebootColumns.joined(separator: ", "))) VALUES (\(marks))",
            [
                reboot.nodeID.rawValue, reboot.akName.data, now, reboot.before.resetCount, reboot.before.restartCount,
                reboot.after.resetCount, reboot.after.restartCount, reboot.lastEvidenceAtMilliseconds,
                reboot.bootIDBefore, reboot.bootIDAfter, reboot.verdictID,
                (reboot.explanation?.kind ?? .unexplained).rawValue, reboot.explanation?.explainedBy,
                reboot.explanation?.reason, CompactList.encode(reboot.findings),
            ])
    }

    // MARK: Announcements

    func expectedReboot(of node: NodeID) throws -> ExpectedReboot? {
        try row(
            "SELECT node_id, until, reason, announced_by, announced_at FROM expected_reboots WHERE node_id = ?",
            [node.rawValue]
        ).map { row in
            var columns = ColumnReader(row, "expected_reboots")
            return try ExpectedReboot(
                nodeID: columns.nodeID(), untilMilliseconds: columns.integer(), reason: columns.text(),
                announcedBy: columns.text(), announcedAtMilliseconds: columns.integer())
        }
    }

    private static let saveExpected = Upsert(
        "expected_reboots", key: ["node_id"], columns: ["node_id", "until", "reason", "announced_by", "announced_at"]
    ).sql

    func save(_ expected: ExpectedReboot) throws {
        try execute(
            Self.saveExpected,
            [
                expected.nodeID.rawValue, expected.untilMilliseconds, expected.reason, expected.announcedBy,
                expected.announcedAtMilliseconds,
            ])
    }

    func deleteExpectedReboot(of node: NodeID) throws {
        try execute("DELETE FROM expected_reboots WHERE node_id = ?", [node.rawValue])
    }
}

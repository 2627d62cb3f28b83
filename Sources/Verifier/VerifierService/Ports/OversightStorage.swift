package import AttestationMessages
package import SecurityEvents

package protocol OversightReading {
    func operators() throws -> [OperatorRecord]
    func operatorRecord(_ name: String) throws -> OperatorRecord?
    /// The active operator who holds the key, under whatever name.
    func operatorRecord(keySHA256: String) throws -> OperatorRecord?
    /// Newest first, before the alarm `cursor`.
    func alarms(open: Bool?, node: NodeID?, before cursor: String?, limit: Int) throws -> [AlarmRecord]
    func alarm(_ id: String) throws -> AlarmRecord?
    func openAlarmCount() throws -> Int
    func destinations() throws -> [DestinationRecord]
    /// Ascending by sequence.
    func outbox(after sequence: Int64, limit: Int) throws -> [SecurityEvent]
    /// Events that the destination has not got.
    func backlog(of destination: DestinationRecord) throws -> Int
    /// The oldest events of one severity, ascending by sequence.
    func outbox(severity: SecurityEventSeverity, limit: Int) throws -> [SecurityEvent]
    /// Size of all events in the outbox as they are stored; costs one row's read.
    func outboxBytes() throws -> Int
    /// Descending by number, below `cursor`.
    func auditRecords(before cursor: Int64?, limit: Int) throws -> [AuditRecordView]
    /// A random id made by `init`.
    func instanceID() throws -> String
    /// Small facts of the verifier itself (lab mode, …).
    func setting(_ key: String) throws -> String?
}

package protocol OversightWriting {
    /// By name; a key that another active operator holds is refused with ``ServiceError`` `OPERATOR_KEY_REUSED`.
    func save(_ record: OperatorRecord) throws
    /// Writes the event into the outbox and, from severity `low` on, into the alarms.
    @discardableResult
    func raise(_ draft: EventDraft) throws -> SecurityEvent
    /// - Returns: false when it is unknown or acknowledged already.
    func acknowledgeAlarm(_ id: String, by name: String) throws -> Bool
    func save(_ destination: DestinationRecord) throws
    /// Moves the destination's cursor forward, never back, and drops events that every destination has.
    func delivered(_ destination: String, through sequence: Int64) throws
    /// Forgets the destination, and the events that only it had not got.
    func removeDestination(_ name: String) throws
    /// Removes these events, whoever has not got them.
    /// - Returns: how many bytes that freed.
    func removeFromOutbox(_ sequences: [Int64]) throws -> Int
    func deliveryFailed(_ destination: String, error: String) throws
    func audit(_ entry: AuditEntry) throws
    /// Adds a leaf to the one audit record that the group commit writes for unchanged passes.
    func auditLeaf(_ bytes: [UInt8]) throws
    func set(_ key: String, to value: String) throws
}

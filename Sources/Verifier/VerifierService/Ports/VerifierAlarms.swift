package import SecurityEvents

/// Events of the verifier itself (trust reload refused, own certificate ends), raised by its composition root.
package protocol VerifierAlarms: Sendable {
    /// Writes the audit record and the event to the outbox in one transaction.
    func raise(_ eventID: String, severity: SecurityEventSeverity, message: String, fields: [String: String])
        async throws
}

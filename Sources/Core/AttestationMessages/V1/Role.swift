/// Roles of operators and consumers; every route names those that may call it (default deny).
public enum Role: String, Hashable, Sendable, Codable, CaseIterable {
    /// Reads nodes, references, fingerprints and alarms.
    case viewer
    /// Imports manifests, adds and approves nodes.
    case enroller
    /// Approves what somebody else proposed.
    case approver
    /// Suspends, revokes, clears, schedules, proposes and activates reference sets, manages operators.
    case securityAdmin = "security-admin"
    /// Reads and verifies the audit log.
    case auditor
    /// A consumer of admissions.
    case relyingParty = "relying-party"
}

package import AttestationMessages
package import SecurityEvents

package struct OperatorRecord: Hashable, Sendable {
    package var name: String
    package var roles: Set<Role>
    /// Hex of SHA-256 over the certificate's SPKI.
    package var keySHA256: String
    package var active: Bool
    package var addedBy: String
    package var addedAtMilliseconds: Int64

    package init(
        name: String, roles: Set<Role>, keySHA256: String, active: Bool, addedBy: String, addedAtMilliseconds: Int64
    ) {
        self.name = name
        self.roles = roles
        self.keySHA256 = keySHA256
        self.active = active
        self.addedBy = addedBy
        self.addedAtMilliseconds = addedAtMilliseconds
    }
}

/// A security event before the store gives it an id, a sequence and a time.
package struct EventDraft: Hashable, Sendable {
    package var eventID: String
    package var severity: SecurityEventSeverity
    /// `success`, `failure` or `unknown`.
    package var outcome: String
    package var node: String?
    package var site: String?
    package var actor: String?
    package var message: String
    package var fields: [String: String]
    /// What repeats of the same alarm share besides node and event id: the boot, a verdict's layer (SO-09).
    package var foldingKey: String

    package init(
        eventID: String, severity: SecurityEventSeverity, outcome: String, node: String?, site: String? = nil,
        actor: String? = nil, message: String, fields: [String: String] = [:], foldingKey: String = ""
    ) {
        self.eventID = eventID
        self.severity = severity
        self.outcome = outcome
        self.node = node
        self.site = site
        self.actor = actor
        self.message = message
        self.fields = fields
        self.foldingKey = foldingKey
    }
}

/// An event of severity `low` and above that somebody should look at; repeats while it is open are counted.
package struct AlarmRecord: Hashable, Sendable {
    package var alarmID: String
    package var eventID: String
    package var severity: SecurityEventSeverity
    package var node: String?
    package var message: String
    package var detail: [String: String]
    package var atMilliseconds: Int64
    package var lastAtMilliseconds: Int64
    package var count: Int
    package var acknowledgedBy: String?
    package var acknowledgedAtMilliseconds: Int64?

    package init(
        alarmID: String, eventID: String, severity: SecurityEventSeverity, node: String?, message: String,
        detail: [String: String], atMilliseconds: Int64, lastAtMilliseconds: Int64, count: Int, acknowledgedBy: String?,
        acknowledgedAtMilliseconds: Int64?
    ) {
        self.alarmID = alarmID
        self.eventID = eventID
        self.severity = severity
        self.node = node
        self.message = message
        self.detail = detail
        self.atMilliseconds = atMilliseconds
        self.lastAtMilliseconds = lastAtMilliseconds
        self.count = count
        self.acknowledgedBy = acknowledgedBy
        self.acknowledgedAtMilliseconds = acknowledgedAtMilliseconds
    }
}

/// Where security events go and how far they got.
package struct DestinationRecord: Hashable, Sendable {
    package var name: String
    /// `syslog-tls` or `json-lines`.
    package var kind: String
    package var target: String
    /// Sequence of the last event that was delivered.
    package var deliveredSequence: Int64
    package var lastDeliveredAtMilliseconds: Int64?
    package var lastError: String?
    /// When the configuration no longer named it. Its events wait until an operator drops it.
    package var removedAtMilliseconds: Int64?

    package init(
        name: String, kind: String, target: String, deliveredSequence: Int64, lastDeliveredAtMilliseconds: Int64?,
        lastError: String?, removedAtMilliseconds: Int64? = nil
    ) {
        self.name = name
        self.kind = kind
        self.target = target
        self.deliveredSequence = deliveredSequence
        self.lastDeliveredAtMilliseconds = lastDeliveredAtMilliseconds
        self.lastError = lastError
        self.removedAtMilliseconds = removedAtMilliseconds
    }
}

/// What a caller writes into the audit log; number, time and chain are the store's.
package struct AuditEntry: Hashable, Sendable {
    /// `operator:<name>`, `node:<id>` or `verifier`.
    package var actor: String
    /// Dotted: `node.approve`, `verdict.fail`, `request.refused`.
    package var action: String
    package var subject: String?
    /// `success` or `failure`.
    package var outcome: String
    package var detail: [String: String]

    package init(actor: String, action: String, subject: String?, outcome: String, detail: [String: String] = [:]) {
        self.actor = actor
        self.action = action
        self.subject = subject
        self.outcome = outcome
        self.detail = detail
    }
}

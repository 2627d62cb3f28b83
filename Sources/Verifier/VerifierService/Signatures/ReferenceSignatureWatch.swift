internal import SecurityEvents

/// Looks at the active sets as they are stored, whether or not anybody is judged just now: a set that is not what operators
/// signed is an alarm, not only an error that nodes meet.
package enum ReferenceSignatureWatch {
    package static func check(_ store: any TransactionalStore, _ policy: VerifierPolicy) async throws {
        for group in try await store.read({ try $0.groupsWithActiveReference() }) {
            let broken = try await store.read { snapshot -> Broken? in
                guard let record = try snapshot.activeReference(group: group) else { return nil }
                do {
                    try ReferenceSignatures.verify(record, policy, snapshot)
                    return nil
                } catch let error as ServiceError
                    where [ReferenceSignatures.code, "STORE_TAMPERED"].contains(error.code)
                {
                    return Broken(set: "\(record.name)@\(record.version)", error: error)
                }
            }
            guard let broken else { continue }
            try await store.write { tx in
                // Folded while the alarm is open.
                _ = try tx.raise(
                    EventDraft(
                        eventID: broken.error.code, severity: SecurityEventCatalogue.severity(broken.error.code),
                        outcome: "failure", node: nil, message: broken.error.detail,
                        fields: ["referenceSet": broken.set, "group": group], foldingKey: broken.set))
            }
        }
    }

    private struct Broken: Sendable {
        let set: String
        let error: ServiceError
    }
}

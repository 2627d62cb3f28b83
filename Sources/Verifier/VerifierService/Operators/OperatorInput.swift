internal import AttestationMessages

/// Checks that all operator calls share.
enum OperatorInput {
    static let maxPageSize = 1_000
    static let maxTextBytes = 1_024

    static func limit(_ limit: Int) throws -> Int {
        guard (1...maxPageSize).contains(limit) else {
            throw ServiceError(.syntax, "API_LIMIT", "limit is \(limit), 1 to \(maxPageSize) are allowed")
        }
        return limit
    }

    static func nodeCursor(_ cursor: String?) throws -> NodeID? {
        guard let cursor else { return nil }
        guard let id = NodeID(cursor) else { throw badCursor }
        return id
    }

    static func numberCursor(_ cursor: String?) throws -> Int64? {
        guard let cursor else { return nil }
        guard let number = Int64(cursor), number >= 0, cursor.utf8.first != UInt8(ascii: "+") else { throw badCursor }
        return number
    }

    /// Ids that the verifier made: lower-case letters, digits and hyphens.
    static func identifierCursor(_ cursor: String?) throws -> String? {
        guard let cursor else { return nil }
        guard isName(cursor, maxBytes: 64) else { throw badCursor }
        return cursor
    }

    /// The pattern of node ids, for every name that operators give.
    static func name(_ name: String, _ what: String) throws -> String {
        guard NodeID(name) != nil else {
            throw ServiceError(.syntax, "API_BAD_NAME", "\(what): a name is [a-z0-9][a-z0-9-]{0,62}")
        }
        return name
    }

    static func identifier(_ id: String, _ what: String) throws -> String {
        guard isName(id, maxBytes: 64) else { throw ServiceError(.syntax, "API_BAD_ID", "no id of \(what)") }
        return id
    }

    static func reason(_ reason: String, required: Bool = true) throws -> String {
        guard !required || reason.contains(where: { !$0.isWhitespace }) else {
            throw ServiceError(.invalid, "API_REASON", "a reason is needed")
        }
        guard reason.utf8.count <= maxTextBytes else {
            throw ServiceError(.invalid, "API_REASON", "a reason has at most \(maxTextBytes) bytes")
        }
        return reason
    }

    private static var badCursor: ServiceError { ServiceError(.syntax, "API_CURSOR", "not a cursor of this list") }

    private static func isName(_ text: String, maxBytes: Int) -> Bool {
        (1...maxBytes).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) || byte == UInt8(ascii: "-")
            }
    }
}

/// Nobody approves their own proposal: it takes another name and another key (RV-03).
enum FourEyes {
    /// - Parameter labMode: Switched on by the verifier's configuration; then one operator may do both, and it shows.
    /// - Returns: whether one person did both.
    static func check(
        proposer: String, proposerKey: String?, approver: OperatorPeer, labMode: Bool
    ) throws -> Bool {
        let samePerson = proposer == approver.name || proposerKey == nil || proposerKey == approver.keySHA256
        guard samePerson else { return false }
        guard labMode else {
            throw ServiceError(
                .forbidden, "REF_NEEDS_APPROVAL",
                "proposed by \(proposer); another person with another key must approve it")
        }
        return true
    }
}

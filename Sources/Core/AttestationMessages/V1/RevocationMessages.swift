/// `PUT /v1/revocations`: imports a dated revocation feed; its date never goes back.
public struct RevocationImport: Hashable, Sendable, Codable {
    /// `bootgate-revocations/v1`.
    public var document: WireBytes
    public var reason: String
    public init(document: WireBytes, reason: String) {
        self.document = document
        self.reason = reason
    }
}

/// The feed that counts. Times are milliseconds since 1970.
public struct RevocationView: Hashable, Sendable, Codable {
    /// The feed's own date.
    public var dateMilliseconds: Int64
    public var documentSHA256: String
    /// Digests that a dbx must hold.
    public var dbxCount: Int
    /// `component,generation`.
    public var sbat: [String]
    public var componentCount: Int
    public var reason: String
    public var importedBy: String
    public var importedAtMilliseconds: Int64
    public init(
        dateMilliseconds: Int64, documentSHA256: String, dbxCount: Int, sbat: [String], componentCount: Int,
        reason: String, importedBy: String, importedAtMilliseconds: Int64
    ) {
        self.dateMilliseconds = dateMilliseconds
        self.documentSHA256 = documentSHA256
        self.dbxCount = dbxCount
        self.sbat = sbat
        self.componentCount = componentCount
        self.reason = reason
        self.importedBy = importedBy
        self.importedAtMilliseconds = importedAtMilliseconds
    }
}

/// A refusal with a stable reason code of the attack catalogue. VerifierAPI maps `kind` to the HTTP status in one table.
package struct ServiceError: Error, Hashable, Sendable {
    package enum Kind: Hashable, Sendable, CaseIterable {
        case syntax, unidentified, forbidden, unknown, conflict, gone, tooLarge, unsupportedMedia, invalid, tooMany
        case unavailable
    }
    package var kind: Kind
    /// `ID_EK_MISMATCH`, `QUOTE_REPLAY`, …
    package var code: String
    /// For operators and the verifier's log; never sent to nodes.
    package var detail: String
    package var verdictID: String?
    /// With `IMA_OFFSET`: where the list goes on.
    package var offset: Int?
    package var retryAfterSeconds: Int?

    package init(
        _ kind: Kind, _ code: String, _ detail: String = "", verdictID: String? = nil, offset: Int? = nil,
        retryAfterSeconds: Int? = nil
    ) {
        self.kind = kind
        self.code = code
        self.detail = detail
        self.verdictID = verdictID
        self.offset = offset
        self.retryAfterSeconds = retryAfterSeconds
    }
}

/// TPMs that must not be trusted although their manufacturer vouches for them (catalogue ID-11).
public struct TPMDenyList: Hashable, Sendable {
    /// Matches when every member that is not nil matches exactly.
    public struct Entry: Hashable, Sendable {
        /// RFC 4514 text of an issuer anywhere in the chain.
        public let issuer: String?
        /// As in ``TPMIdentification``.
        public let manufacturer: String?
        public let model: String?
        public let firmware: String?
        /// Why: an advisory, for operators.
        public let reason: String

        /// - Returns: nil when no member is given: such an entry would deny every TPM or none, by accident.
        public init?(
            issuer: String? = nil, manufacturer: String? = nil, model: String? = nil, firmware: String? = nil,
            reason: String
        ) {
            guard issuer != nil || manufacturer != nil || model != nil || firmware != nil else { return nil }
            self.issuer = issuer
            self.manufacturer = manufacturer
            self.model = model
            self.firmware = firmware
            self.reason = reason
        }

        func matches(_ tpm: TPMIdentification?, issuers: [String]) -> Bool {
            if let issuer, !issuers.contains(issuer) { return false }
            if let manufacturer, manufacturer != tpm?.manufacturer { return false }
            if let model, model != tpm?.model { return false }
            if let firmware, firmware != tpm?.version { return false }
            return true
        }
    }

    public let entries: [Entry]
    public init(_ entries: [Entry]) { self.entries = entries }
    public static let empty = TPMDenyList([])
}

public import TPMStructures

/// Why a quote was refused (catalogue, group QF).
public typealias QuoteRefusal = Refusal<QuoteCode>

public enum QuoteCode: String, Hashable, Sendable, CaseIterable {
    case magic = "QUOTE_MAGIC"
    case type = "QUOTE_TYPE"
    case signatureAlgorithm = "QUOTE_SIG_ALG"
    case signature = "QUOTE_SIGNATURE"
    case signer = "QUOTE_SIGNER"
    case nonce = "QUOTE_NONCE"
    case pcrSelection = "QUOTE_PCR_SELECTION"
    case bankSet = "QUOTE_BANK_SET"
    case pcrDigest = "QUOTE_PCR_DIGEST"
}

/// What a quote must say. A live check knows all of it; the offline form is a separate initializer.
public struct QuoteExpectation: Sendable {
    let extraData: [UInt8]?
    let selection: TPMLPCRSelection?
    let signers: Set<TPM2BName>?

    /// - Parameters:
    ///   - extraData: the exact bytes that bind nonce, node key and claims.
    ///   - selection: the exact signed selection: the challenge's, cleared for the implemented banks that this node is
    ///     known not to allocate (``TPMLPCRSelection/limited(toAllocated:)``).
    ///   - signers: allowed qualified names of the AK (``AttestationKey/qualifiedNames(under:)``).
    public init(extraData: [UInt8], selection: TPMLPCRSelection, signers: Set<TPM2BName>) {
        self.extraData = extraData
        self.selection = selection
        self.signers = signers
    }

    /// For captured evidence that nobody challenged. What is nil is not checked, and freshness is not shown by any of
    /// it; an empty signed selection is refused all the same.
    public init(offlineExtraData: [UInt8]?, selection: TPMLPCRSelection?, signers: Set<TPM2BName>?) {
        extraData = offlineExtraData
        self.selection = selection
        self.signers = signers
    }
}

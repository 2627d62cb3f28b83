public import TPMStructures

/// A quote whose signature, signer, nonce and selection were checked. Only `UnverifiedQuote.verify` makes one.
///
/// Says what the TPM's registers add up to (``pcrDigest``), not what they hold: see ``attest(_:)``.
public struct VerifiedQuote: Hashable, Sendable {
    let attest: TPMSAttest
    public let pcrSelection: TPMLPCRSelection
    /// Digest of the selected values by the signature's hash algorithm.
    public let pcrDigest: Digest
    /// The signed bytes.
    public let attestBytes: [UInt8]

    public var clock: TPMSClockInfo { attest.clockInfo }
    /// The vendor's firmware version, uninterpreted.
    public var firmwareVersion: UInt64 { attest.firmwareVersion }
    public var qualifiedSigner: TPM2BName { attest.qualifiedSigner }
    public var extraData: [UInt8] { attest.extraData }
    public var signatureHash: HashAlgorithm { pcrDigest.algorithm }

    /// Binds register values to this quote.
    ///
    /// - Parameter values: at least the selected registers; others are dropped, since nobody signed them.
    /// - Throws: `QUOTE_PCR_DIGEST` when a selected register is missing or the values do not add up to the digest.
    public func attest(_ values: PCRValues) throws(QuoteRefusal) -> AttestedPCRs {
        var selected = PCRValues()
        for entry in pcrSelection.selections {
            for index in entry.pcrs.indices {
                guard let value = values[entry.bank, index] else {
                    throw Refusal(.pcrDigest, "no value for the quoted PCR \(index) of bank \(entry.bank)")
                }
                selected.set(value, bank: entry.bank, index: index)
            }
        }
        let computed = selected.compositeDigest(pcrSelection, signatureHash)
        guard computed == pcrDigest else {
            throw Refusal(
                .pcrDigest, "the values add up to \(computed?.hex ?? "nothing"), signed is \(pcrDigest.hex)")
        }
        return AttestedPCRs(quote: self, values: selected)
    }
}

/// Register values that a TPM signed. Only ``VerifiedQuote/attest(_:)`` makes them.
public struct AttestedPCRs: Hashable, Sendable {
    public let quote: VerifiedQuote
    /// Exactly the selected registers.
    public let values: PCRValues

    init(quote: VerifiedQuote, values: PCRValues) {
        self.quote = quote
        self.values = values
    }

    /// Nil for a register that was not quoted.
    public subscript(bank: PCRBank, index: PCRIndex) -> Digest? { values[bank, index] }
}

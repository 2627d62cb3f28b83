internal import ByteParsing
internal import CTSS2
internal import TPMStructures

extension TPMConnection {
    func properties() throws(TPMError) -> TPMProperties {
        // TPM_PT_PERMANENT (0x200) is a variable property: a second list.
        let fixed = try TPMParsing.properties(
            context.capability(TPM2_CAP(TPM2_CAP_TPM_PROPERTIES), property: 0x100, count: 64).data)
        let variable = try TPMParsing.properties(
            context.capability(TPM2_CAP(TPM2_CAP_TPM_PROPERTIES), property: 0x200, count: 1).data)
        func text(_ properties: ClosedRange<UInt32>) -> String {
            let bytes = properties.flatMap { property -> [UInt8] in
                let value = fixed[property] ?? 0
                return (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) }
            }
            let printable = bytes.filter { $0 != 0 }.map { (0x20...0x7E).contains($0) ? $0 : UInt8(ascii: ".") }
            return String(decoding: printable, as: UTF8.self)
        }
        return TPMProperties(
            manufacturer: text(0x105...0x105), vendorString: text(0x106...0x109),
            firmwareVersion: UInt64(fixed[0x10B] ?? 0) << 32 | UInt64(fixed[0x10C] ?? 0),
            specificationRevision: fixed[0x102] ?? 0, inLockout: (variable[0x200] ?? 0) & 1 << 9 != 0)
    }

    func pcrBanks() throws(TPMError) -> [PCRBank: PCRSet] {
        try TPMParsing.banks(context.capability(TPM2_CAP(TPM2_CAP_PCRS), property: 0, count: 1).data)
    }

    /// Reads all registers of a selection that are allocated, eight at a time. Registers that were extended meanwhile
    /// make the whole read start again, at most three times: what is read last is given, a hint until its digest is the
    /// signed one.
    func readPCRs(_ selection: TPMLPCRSelection) throws(TPMError) -> PCRValues {
        var values = PCRValues()
        for _ in 0..<3 {
            values = PCRValues()
            var counters: Set<UInt32> = []
            for bankSelection in selection.selections {
                var wanted = bankSelection.pcrs
                while !wanted.isEmpty {
                    guard let request = TPMLPCRSelection([TPMSPCRSelection(bank: bankSelection.bank, pcrs: wanted)])
                    else { break }
                    let answer = try context.readPCRs(request)
                    counters.insert(answer.updateCounter)
                    let read = try TPMParsing.parse("TPM2_PCR_Read", answer.selection) {
                        (reader) throws(ParsingError) in try TPMParsing.selections(&reader)
                    }
                    let indices = (read[bankSelection.bank] ?? PCRSet()).indices.filter(wanted.contains)
                    let digests = try TPMParsing.digests(answer.digests)
                    // None: the rest of the bank is not allocated.
                    if indices.isEmpty { break }
                    guard indices.count == digests.count else {
                        throw TPMError(
                            "TPM2_PCR_Read",
                            .malformedResponse("\(digests.count) digests for \(indices.count) registers"))
                    }
                    for (index, bytes) in zip(indices, digests) {
                        guard let digest = Digest(algorithm: bankSelection.bank, bytes: bytes) else {
                            throw TPMError(
                                "TPM2_PCR_Read",
                                .malformedResponse("a digest of \(bytes.count) bytes in \(bankSelection.bank)"))
                        }
                        values.set(digest, bank: bankSelection.bank, index: index)
                    }
                    wanted = PCRSet(wanted.indices.filter { !indices.contains($0) })
                }
            }
            if counters.count <= 1 { break }
        }
        return values
    }

    /// The bytes of an NV index, nil when the TPM has none there.
    func readNV(_ handle: UInt32) throws(TPMError) -> [UInt8]? {
        guard let index = try reference(to: handle) else { return nil }
        defer { forget(handle) }
        let area = try TPMParsing.nvPublic(context.readNVPublic(index))
        // TPMA_NV_AUTHREAD: by the index's own empty password; else by the owner's (TPMA_NV_OWNERREAD).
        let byItself = area.attributes & 1 << 18 != 0
        var bytes: [UInt8] = []
        while bytes.count < area.size {
            let part = try context.readNV(
                index, authorization: byItself ? index : ESYS_TR_RH_OWNER, offset: UInt16(bytes.count),
                count: UInt16(min(Self.nvChunkSize, area.size - bytes.count)))
            guard !part.isEmpty else { throw TPMError("TPM2_NV_Read", .malformedResponse("no data")) }
            bytes += part
        }
        return bytes
    }

    /// The certificate of an EK of this kind and what else the TPM stores of its chain; nil when there is none.
    func endorsementCertificates(_ kind: EndorsementKeyKind) throws(TPMError) -> EndorsementCertificates? {
        guard let stored = try readNV(kind.certificateIndex) else { return nil }
        guard let own = DERSequences.split(stored).first else {
            throw TPMError(
                "EK certificate",
                .malformedResponse("NV index 0x\(String(kind.certificateIndex, radix: 16)) holds no DER"))
        }
        return EndorsementCertificates(certificate: own, chain: try certificateChain())
    }

    /// Issuers' certificates: one DER stream cut over the indices 0x01C00100–0x01C001FF (EK Credential Profile, 2.2.1.5.2).
    private func certificateChain() throws(TPMError) -> [[UInt8]] {
        let range: ClosedRange<UInt32> = 0x01C0_0100...0x01C0_01FF
        var stream: [UInt8] = []
        for handle in try handles(from: range.lowerBound) where range.contains(handle) {
            stream += try readNV(handle) ?? []
            // More than any chain of certificates; a TPM holds a few kilobytes.
            guard stream.count <= 65_536 else {
                throw TPMError("EK chain", .malformedResponse("more than 65,536 bytes of certificates"))
            }
        }
        return DERSequences.split(stream)
    }

    /// The least that every PC Client TPM returns in one TPM2_NV_Read (PTP, TPM_PT_NV_BUFFER_MAX).
    private static let nvChunkSize = 512
}

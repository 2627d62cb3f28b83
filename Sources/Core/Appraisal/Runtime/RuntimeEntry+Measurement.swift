public import IMAMeasurementList
public import ReferenceValues
internal import TPMCryptography
internal import TPMStructures

extension RuntimeEntry {
    /// An entry of a list as references judge it. Its name, digest and fields are true where the list's replay agrees with the
    /// quote; its template's name is covered by nothing, so a buffer counts as one only where its digest is the buffer's own.
    public init(_ measurement: IMAMeasurement) {
        self.init(path: measurement.eventName.map(Array.init) ?? [], content: Self.content(measurement))
    }

    private static func content(_ measurement: IMAMeasurement) -> Content {
        if measurement.isViolation { return .violation }
        guard let template = measurement.template, measurement.eventName != nil else {
            return .contradiction("the template does not tell what was measured")
        }
        guard measurement.pcr.rawValue == LayerID.measurementListPCR else {
            return .contradiction("it extends PCR \(measurement.pcr), which no section runtime judges")
        }
        guard let measured = measurement.fileDigest else { return .unknownAlgorithm("no digest") }
        guard let algorithm = measured.algorithm.hashAlgorithm,
            let digest = Digest(algorithm: algorithm, bytes: measured.bytes)
        else { return .unknownAlgorithm(measured.description) }
        let file = FileDigest(digest, isVerity: measured.kind == .verity)
        guard template.fields.contains(.buf) else {
            return .file(file, signatures: Self.signatures(measurement, template))
        }
        guard !file.isVerity, MessageDigest.hash(Array(measurement.buffer ?? []), algorithm) == digest else {
            return .contradiction("the digest is not that of the buffer beside it")
        }
        return .buffer(file)
    }

    /// Appended signatures and metadata are taken from the kernel's own templates alone: under another order of fields, which a
    /// liar could name, a field that root may write could pass for one that only the kernel writes.
    private static func signatures(_ measurement: IMAMeasurement, _ template: IMATemplate) -> [RuntimeSignature] {
        var signatures: [RuntimeSignature] = []
        if let field = measurement.fileSignature { signatures.append(.attribute(Array(field))) }
        if template.fields == IMATemplate.imaModsig.fields, let message = measurement.modsig,
            let stated = measurement.modsigDigest, let algorithm = stated.algorithm.hashAlgorithm,
            let content = Digest(algorithm: algorithm, bytes: stated.bytes)
        {
            signatures.append(.appended(Array(message), content: content))
        }
        if template.fields == IMATemplate.evmSig.fields, let signature = measurement.evmSignature,
            let owner = measurement.integer(.iuid), let group = measurement.integer(.igid),
            let mode = measurement.integer(.imode)
        {
            func bytes(_ field: IMAField) -> [UInt8] { measurement.field(field).map(Array.init) ?? [] }
            signatures.append(
                .metadata(
                    Array(signature),
                    FileMetadata(
                        names: bytes(.xattrnames), lengths: bytes(.xattrlengths), values: bytes(.xattrvalues),
                        owner: owner, group: group, mode: UInt16(truncatingIfNeeded: mode),
                        isBigEndian: measurement.byteOrder == .bigEndian)))
        }
        return signatures
    }
}

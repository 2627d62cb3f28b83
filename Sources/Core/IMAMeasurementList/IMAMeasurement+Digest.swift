internal import TPMCryptography
public import TPMStructures

extension IMAMeasurement {
    /// The algorithm of the listed template digest, by its size.
    public var templateDigestAlgorithm: HashAlgorithm? { IMAListLayout.algorithm(digestSize: nameStart) }

    /// What the kernel hashes of this entry and extends into a bank of `algorithm` (ima_calc_field_array_hash,
    /// security/integrity/ima/ima_crypto.c): the template data with its lengths; of template `ima` the digest and the
    /// name filled up with zeros to 256 bytes. A violation hashes like any other entry, and is extended as all ones.
    public func computedTemplateDigest(_ algorithm: HashAlgorithm) -> Digest {
        var output = [UInt8](repeating: 0, count: algorithm.digestSize)
        computeTemplateDigest(algorithm, into: &output, at: 0)
        return Digest(algorithm: algorithm, bytes: output) ?? .zero(algorithm)
    }

    /// As ``computedTemplateDigest(_:)``, into bytes that are there already.
    ///
    /// - Precondition: `algorithm.digestSize` bytes lie in `output` from `offset` on.
    func computeTemplateDigest(_ algorithm: HashAlgorithm, into output: inout [UInt8], at offset: Int) {
        guard template?.isOriginal == true, let digest = fields.digest, let name = fields.name else {
            let data = storage.span.extracting(dataStart..<storage.count)
            MessageDigest.hash(data, into: &output, at: offset, algorithm)
            return
        }
        var padded = Array(storage[digest]) + storage[name]
        padded.append(
            contentsOf: repeatElement(0, count: max(0, IMAListLimits.shortEventNameSize + 1 - name.count)))
        MessageDigest.hash(padded.span, into: &output, at: offset, algorithm)
    }

    /// Whether the listed template digest is that of the entry's data. A violation's is not, and need not be.
    public var hasListedTemplateDigest: Bool {
        guard let algorithm = templateDigestAlgorithm else { return false }
        return computedTemplateDigest(algorithm).bytes.elementsEqual(templateDigest)
    }
}

internal import TPMCryptography
public import TPMStructures

/// The entry that ties a list to its boot: a digest over the registers as IMA found them when it started.
public struct IMABootAggregate: Hashable, Sendable {
    public static let name = Array("boot_aggregate".utf8)

    /// The entry's number; 0 in an honest list.
    public let index: Int
    public let digest: IMAFileDigest

    public init(index: Int, digest: IMAFileDigest) {
        self.index = index
        self.digest = digest
    }

    /// nil for an entry by another name, or of a buffer.
    init?(_ entry: IMAMeasurement) {
        guard let name = entry.eventName, name.count == Self.name.count, name.elementsEqual(Self.name),
            entry.template?.isBuffer == false, let digest = entry.fileDigest
        else { return nil }
        self.init(index: entry.index, digest: digest)
    }

    /// What the digest is over, by its algorithm (ima_calc_boot_aggregate_tfm, security/integrity/ima/ima_crypto.c): in
    /// SHA-1, also from a TPM 1.2, PCR 0 to 7 of the SHA-1 bank; else PCR 0 to 9 of the bank of the same name
    /// (kernels from 5.9; 5.8 alone left out 8 and 9, and is refused).
    public static func registers(_ algorithm: HashAlgorithm) -> ClosedRange<Int> { algorithm == .sha1 ? 0...7 : 0...9 }

    /// The boot aggregate of these registers; nil when one of them has no value.
    public static func compute(_ algorithm: HashAlgorithm, _ values: PCRValues) -> Digest? {
        var bytes: [UInt8] = []
        for number in registers(algorithm) {
            guard let value = values[algorithm, PCRIndex.all[number]] else { return nil }
            bytes += value.bytes
        }
        return MessageDigest.hash(bytes, algorithm)
    }

    /// What came of comparing.
    public enum Outcome: Hashable, Sendable {
        case agrees
        case disagrees(expected: Digest)
        /// All zeros: the kernel found no TPM, although one signed these registers.
        case withoutTPM
        /// An algorithm that no bank has, or a register that is not there.
        case unknown
    }

    /// Compares with register values. Missing ones never agree.
    public func compare(with values: PCRValues) -> Outcome {
        if digest.bytes.allSatisfy({ $0 == 0 }) { return .withoutTPM }
        guard digest.kind != .verity, let algorithm = digest.algorithm.hashAlgorithm,
            let expected = Self.compute(algorithm, values)
        else { return .unknown }
        return expected.bytes == digest.bytes ? .agrees : .disagrees(expected: expected)
    }
}

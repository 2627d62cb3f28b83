internal import ByteParsing

/// The name of a TPM entity (Part 1, "Names"; Part 2, section 10.5.3): nothing, a handle of four bytes, or a hash
/// algorithm followed by its digest. The initializers admit no other form.
public struct TPM2BName: Hashable, Sendable, CustomStringConvertible {
    /// Without the TPM2B's size.
    public let bytes: [UInt8]

    /// - Returns: nil for bytes of any other form than the three.
    public init?(_ bytes: [UInt8]) {
        switch bytes.count {
        case 0, 4: break
        default:
            guard bytes.count > 2,
                let algorithm = HashAlgorithm(TPMAlgID(rawValue: UInt16(bytes[0]) << 8 | UInt16(bytes[1]))),
                bytes.count == 2 + algorithm.digestSize
            else { return nil }
        }
        self.bytes = bytes
    }

    public init(_ digest: Digest) {
        let algorithm = digest.algorithm.algorithmID.rawValue
        bytes = [UInt8(algorithm >> 8), UInt8(algorithm & 0xFF)] + digest.bytes
    }

    /// The name of a PCR, session or permanent entity is its handle, big-endian.
    public init(handle: UInt32) {
        bytes = (0..<4).map { UInt8(truncatingIfNeeded: handle >> (24 - 8 * $0)) }
    }

    public static let ownerHierarchy = TPM2BName(handle: 0x4000_0001)
    public static let nullHierarchy = TPM2BName(handle: 0x4000_0007)
    public static let endorsementHierarchy = TPM2BName(handle: 0x4000_000B)
    public static let platformHierarchy = TPM2BName(handle: 0x4000_000C)

    /// Nil for an empty name and for a handle.
    public var digest: Digest? {
        guard bytes.count > 4 else { return nil }
        return HashAlgorithm(TPMAlgID(rawValue: UInt16(bytes[0]) << 8 | UInt16(bytes[1]))).flatMap {
            Digest(algorithm: $0, bytes: Array(bytes.dropFirst(2)))
        }
    }

    /// Lower-case hexadecimal, algorithm first.
    public var hex: String { Hex.encode(bytes) }
    public var description: String { hex }

    init(reading reader: inout ByteReader, _ field: @autoclosure () -> String) throws(ParsingError) {
        let bytes = try reader.readTPM2B(field(), max: 2 + TPMTPublic.maxDigestSize)
        guard let name = TPM2BName(bytes) else {
            throw reader.error(
                field(), back: bytes.count, .malformed("neither empty, nor a handle, nor an algorithm and its digest"))
        }
        self = name
    }
}

internal import ByteParsing
public import TPMStructures

/// An algorithm whose digests a log carries, and their size.
public struct LoggedAlgorithm: Hashable, Sendable {
    public let algorithm: TPMAlgID
    /// In bytes. Equal to the algorithm's digest size where this product knows it, else what the header states.
    public let digestSize: Int
    /// nil for an algorithm that this product cannot compute.
    public var bank: PCRBank? { HashAlgorithm(algorithm) }
}

/// The header of a crypto-agile log, TCG_EfiSpecIdEvent with signature `Spec ID Event03` (PFP 1.06, section 10.4.5.1).
public struct SpecIDEvent: Hashable, Sendable {
    public static let signature: [UInt8] = Array("Spec ID Event03".utf8) + [0]
    /// More banks than any TPM implements; bounds the work for each event.
    public static let maximumAlgorithms = 8
    /// No hash function in use has a longer digest; bounds what an unknown algorithm may claim.
    public static let maximumDigestSize = 64

    public let platformClass: UInt32
    /// Major, minor, errata.
    public let specVersion: [UInt8]
    /// Size of UINTN: 1 for 32 bits, 2 for 64 bits.
    public let uintnSize: UInt8
    /// In the header's order; 1 to 8, none twice.
    public let algorithms: [LoggedAlgorithm]
    public let vendorInfo: [UInt8]

    /// - Parameter baseOffset: Where in the log the event's data begins, for offsets in errors.
    init(parsing data: Span<UInt8>, baseOffset: Int) throws(TCGEventLogError) {
        do throws(ParsingError) {
            var reader = ByteReader(data, baseOffset: baseOffset)
            guard try reader.readBytes(16, "TCG_EfiSpecIdEvent.signature") == Self.signature else {
                throw reader.error(
                    "TCG_EfiSpecIdEvent.signature", back: 16, .malformed("is not \"Spec ID Event03\""))
            }
            platformClass = try reader.readLittleEndian(UInt32.self, "TCG_EfiSpecIdEvent.platformClass")
            let minor = try reader.readUInt8("TCG_EfiSpecIdEvent.specVersionMinor")
            let major = try reader.readUInt8("TCG_EfiSpecIdEvent.specVersionMajor")
            specVersion = [major, minor, try reader.readUInt8("TCG_EfiSpecIdEvent.specErrata")]
            uintnSize = try reader.readUInt8("TCG_EfiSpecIdEvent.uintnSize")
            algorithms = try Self.readAlgorithms(&reader)
            let vendorSize = Int(try reader.readUInt8("TCG_EfiSpecIdEvent.vendorInfoSize"))
            vendorInfo = try reader.readBytes(vendorSize, "TCG_EfiSpecIdEvent.vendorInfo")
            try reader.expectEnd("TCG_EfiSpecIdEvent")
        } catch {
            throw TCGEventLogError(.header, error)
        }
    }

    private static func readAlgorithms(_ reader: inout ByteReader) throws(ParsingError) -> [LoggedAlgorithm] {
        let count = try reader.readLittleEndian(UInt32.self, "TCG_EfiSpecIdEvent.numberOfAlgorithms")
        guard count >= 1, count <= maximumAlgorithms else {
            throw reader.error(
                "TCG_EfiSpecIdEvent.numberOfAlgorithms", back: 4,
                .outOfRange(value: UInt64(count), limit: UInt64(maximumAlgorithms)))
        }
        var algorithms: [LoggedAlgorithm] = []
        for _ in 0..<count {
            let id = TPMAlgID(
                rawValue: try reader.readLittleEndian(UInt16.self, "TCG_EfiSpecIdEvent.digestSizes.algorithmId"))
            let size = Int(try reader.readLittleEndian(UInt16.self, "TCG_EfiSpecIdEvent.digestSizes.digestSize"))
            let limit = HashAlgorithm(id)?.digestSize ?? maximumDigestSize
            let fits = HashAlgorithm(id) == nil ? size >= 1 && size <= limit : size == limit
            guard fits else {
                throw reader.error(
                    "TCG_EfiSpecIdEvent.digestSizes.digestSize", back: 2,
                    .outOfRange(value: UInt64(size), limit: UInt64(limit)))
            }
            guard !algorithms.contains(where: { $0.algorithm == id }) else {
                throw reader.error(
                    "TCG_EfiSpecIdEvent.digestSizes.algorithmId", back: 4, .malformed("\(id) is listed twice"))
            }
            algorithms.append(LoggedAlgorithm(algorithm: id, digestSize: size))
        }
        return algorithms
    }
}

internal import ByteParsing
internal import TPMStructures

/// How the bytes of a list are to be read. A list does not say it; ``detect(_:)`` finds the only way that fits.
public struct IMAListLayout: Hashable, Sendable, CustomStringConvertible {
    public enum Form: UInt8, Hashable, Sendable {
        /// `binary_runtime_measurements`, and its forms for each algorithm.
        case binary = 0
        /// `ascii_runtime_measurements`: for inspection alone, a name with a newline forges a line of it.
        case ascii = 1
    }

    public let form: Form
    /// Of an ASCII list: the order in which its template data hashes to the recorded digests.
    public internal(set) var byteOrder: IMAByteOrder
    /// Bytes of a template digest in a binary list: 20 for SHA-1, else those of the file for one algorithm. An ASCII
    /// list says it in each line, and holds 0 here.
    public let templateDigestSize: Int

    /// - Returns: nil for a digest size that no template hash has.
    public init?(binary byteOrder: IMAByteOrder, templateDigestSize: Int) {
        guard Self.digestSizes.contains(templateDigestSize) else { return nil }
        self.init(.binary, byteOrder, templateDigestSize)
    }

    private init(_ form: Form, _ byteOrder: IMAByteOrder, _ templateDigestSize: Int) {
        self.form = form
        self.byteOrder = byteOrder
        self.templateDigestSize = templateDigestSize
    }

    /// - Parameter byteOrder: in which integers of the template data are hashed.
    public static func ascii(_ byteOrder: IMAByteOrder) -> IMAListLayout { IMAListLayout(.ascii, byteOrder, 0) }

    /// Sizes of template digests (SHA-1; SHA-256, SM3; SHA-384; SHA-512).
    public static let digestSizes = [20, 32, 48, 64]

    /// The algorithm of a template digest by its size. SM3 is as long as SHA-256 and is not looked for.
    static func algorithm(digestSize: Int) -> HashAlgorithm? {
        switch digestSize {
        case 20: .sha1
        case 32: .sha256
        case 48: .sha384
        case 64: .sha512
        default: nil
        }
    }

    public var description: String {
        form == .ascii
            ? "ascii_runtime_measurements"
            : "binary_runtime_measurements, \(byteOrder), template digests of \(templateDigestSize) bytes"
    }

    /// Bytes of a list's beginning that decide: the longest first entry up to the length of its template data.
    static let detectionSize = 4 + 64 + 4 + IMAListLimits.templateNameSize + 4

    /// The only layout in which the first entry reads as one.
    ///
    /// - Parameter start: The first ``detectionSize`` bytes of a list, or all of a shorter one.
    /// - Throws: ParsingError when no layout fits, or more than one does.
    static func detect(_ start: Span<UInt8>) throws(ParsingError) -> IMAListLayout {
        if looksLikeText(start) { return .ascii(.littleEndian) }
        var known: [IMAListLayout] = []
        var others: [IMAListLayout] = []
        for byteOrder in IMAByteOrder.allCases {
            for size in digestSizes {
                guard let name = templateName(start, byteOrder, size) else { continue }
                let layout = IMAListLayout(.binary, byteOrder, size)
                if IMATemplate(name: name) != nil { known.append(layout) } else { others.append(layout) }
            }
        }
        let fitting = known.isEmpty ? others : known
        guard let layout = fitting.first else {
            throw ParsingError(
                field: "measurement list", offset: 0,
                problem: .malformed("no entry of a measurement list begins here, in either byte order"))
        }
        guard fitting.count == 1 else {
            throw ParsingError(
                field: "measurement list", offset: 0,
                problem: .malformed("the first entry reads in \(fitting.count) ways"))
        }
        return layout
    }

    /// The template's name of the first entry, when register, length and characters are possible.
    private static func templateName(_ bytes: Span<UInt8>, _ byteOrder: IMAByteOrder, _ digestSize: Int) -> String? {
        guard bytes.count >= 4 + digestSize + 4, byteOrder.uint32(bytes, at: 0) < UInt32(PCRIndex.count) else {
            return nil
        }
        let size = Int(byteOrder.uint32(bytes, at: 4 + digestSize))
        let start = 4 + digestSize + 4
        guard size > 0, size <= IMAListLimits.templateNameSize, size <= bytes.count - start else { return nil }
        var characters: [UInt8] = []
        for index in start..<start + size {
            guard isNameCharacter(bytes[index]) else { return nil }
            characters.append(bytes[index])
        }
        return String(decoding: characters, as: UTF8.self)
    }

    /// Lower-case letters, digits, and what joins them in names and format strings.
    static func isNameCharacter(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "|"):
            true
        default: false
        }
    }

    /// A line begins with the register's number, at least two characters wide, and a space. A binary list's first four
    /// bytes hold zeros, as no register has a number above 23.
    private static func looksLikeText(_ bytes: Span<UInt8>) -> Bool {
        guard bytes.count >= 3, bytes[2] == UInt8(ascii: " ") else { return false }
        return (bytes[0] == UInt8(ascii: " ") || isDigit(bytes[0])) && isDigit(bytes[1])
    }

    static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}

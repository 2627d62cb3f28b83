internal import TPMCryptography
public import TPMStructures

/// Writes measurement lists as a kernel does, and every way a liar might. Knows nothing of the product's reader.
public struct IMAListBuilder: Sendable {
    public struct Entry: Sendable {
        public var pcr: UInt32
        public var template: String
        public var data: [UInt8]
        /// nil: the right one. Zeros: a violation.
        public var digest: [UInt8]?
        /// nil: as many as there are.
        public var statedNameSize: UInt32?
        public var statedDataSize: UInt32?

        public init(pcr: UInt32 = 10, template: String = "ima-ng", data: [UInt8], digest: [UInt8]? = nil) {
            self.pcr = pcr
            self.template = template
            self.data = data
            self.digest = digest
        }

        public var isViolation: Bool { digest?.allSatisfy { $0 == 0 } ?? false }
    }

    public let bigEndian: Bool
    /// Of the template digests.
    public let algorithm: HashAlgorithm
    public var entries: [Entry] = []

    public init(bigEndian: Bool = false, algorithm: HashAlgorithm = .sha1) {
        self.bigEndian = bigEndian
        self.algorithm = algorithm
    }

    // MARK: Entries

    public func integer(_ value: UInt32) -> [UInt8] {
        let bytes = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> UInt32($0)) }
        return bigEndian ? bytes : bytes.reversed()
    }

    /// A field with its length.
    public func field(_ bytes: [UInt8]) -> [UInt8] { integer(UInt32(bytes.count)) + bytes }

    /// `sha256:`, NUL, digest.
    public static func digest(_ algorithm: String, _ bytes: [UInt8]) -> [UInt8] {
        Array("\(algorithm):".utf8) + [0] + bytes
    }
    public static func name(_ text: String) -> [UInt8] { Array(text.utf8) + [0] }
    /// A file's digest made out of its name.
    public static func fileDigest(_ path: String) -> [UInt8] { MessageDigest.hash(Array(path.utf8), .sha256).bytes }

    /// An entry of template `ima-ng`.
    public mutating func addFile(_ path: String, pcr: UInt32 = 10, digest: [UInt8]? = nil) {
        add("ima-ng", [Self.digest("sha256", digest ?? Self.fileDigest(path)), Self.name(path)], pcr: pcr)
    }

    public mutating func addViolation(_ path: String) {
        add("ima-ng", [Self.digest("sha256", .init(repeating: 0, count: 32)), Self.name(path)])
        entries[entries.count - 1].digest = [UInt8](repeating: 0, count: algorithm.digestSize)
    }

    /// The boot aggregate of these registers: SHA-1 over 0 to 7, else over 0 to 9.
    public mutating func addBootAggregate(_ values: PCRValues, _ bank: PCRBank = .sha256, last: Int? = nil) {
        let registers = 0...(last ?? (bank == .sha1 ? 7 : 9))
        let bytes = registers.flatMap { values[bank, PCRIndex.all[$0]]?.bytes ?? [] }
        let digest = MessageDigest.hash(bytes, bank)
        add("ima-ng", [Self.digest(bank.name, digest.bytes), Self.name("boot_aggregate")])
    }

    public mutating func add(_ template: String, _ fields: [[UInt8]], pcr: UInt32 = 10) {
        entries.append(Entry(pcr: pcr, template: template, data: fields.flatMap(field)))
    }

    // MARK: Bytes

    /// What the kernel hashes: of template `ima` the digest and the name up to 256 bytes.
    public func hashed(_ entry: Entry) -> [UInt8] {
        guard entry.template == "ima" else { return entry.data }
        let name = entry.data.dropFirst(24)
        return entry.data.prefix(20) + name + [UInt8](repeating: 0, count: 256 - name.count)
    }

    public func bytes(of entry: Entry) -> [UInt8] {
        let name = Array(entry.template.utf8)
        var bytes = integer(entry.pcr) + (entry.digest ?? MessageDigest.hash(hashed(entry), algorithm).bytes)
        bytes += integer(entry.statedNameSize ?? UInt32(name.count)) + name
        if entry.template != "ima" { bytes += integer(entry.statedDataSize ?? UInt32(entry.data.count)) }
        return bytes + entry.data
    }

    public var bytes: [UInt8] { entries.flatMap(bytes(of:)) }
    /// Where each entry ends.
    public var ends: [Int] {
        var end = 0
        return entries.map { entry in
            end += bytes(of: entry).count
            return end
        }
    }

    /// What PCR `pcr` of a bank holds after the first `count` entries.
    public func register(_ bank: PCRBank, _ pcr: UInt32 = 10, count: Int? = nil, padded: Bool = false) -> Digest {
        entries.prefix(count ?? entries.count).filter { $0.pcr == pcr }.reduce(.zero(bank)) { value, entry in
            var digest = Digest.ones(bank)
            if !entry.isViolation, padded {
                let sha1 = MessageDigest.hash(hashed(entry), .sha1).bytes
                digest = Digest(algorithm: bank, bytes: sha1 + [UInt8](repeating: 0, count: bank.digestSize - 20))!
            } else if !entry.isViolation {
                digest = MessageDigest.hash(hashed(entry), bank)
            }
            return extend(value, with: digest)!
        }
    }

    /// Register values with which a list of these entries agrees: those of `boot`, and PCR 10 in the given banks.
    public func values(
        _ banks: [PCRBank] = [.sha256], boot: PCRValues = IMAListBuilder.boot, count: Int? = nil
    ) -> PCRValues {
        var values = boot
        for bank in banks { values.set(register(bank, count: count), bank: bank, index: PCRIndex.all[10]) }
        return values
    }

    /// PCR 0 to 9 of both banks of a boot.
    public static let boot: PCRValues = {
        var values = PCRValues()
        for bank in [PCRBank.sha1, .sha256] {
            for pcr in PCRIndex.all.prefix(10) {
                values.set(MessageDigest.hash([pcr.rawValue, 7], bank), bank: bank, index: pcr)
            }
        }
        return values
    }()

    /// The boot aggregate and `count` files.
    public static func honest(_ count: Int, bigEndian: Bool = false, algorithm: HashAlgorithm = .sha1) -> IMAListBuilder
    {
        var builder = IMAListBuilder(bigEndian: bigEndian, algorithm: algorithm)
        builder.addBootAggregate(boot)
        for number in 0..<count { builder.addFile("/usr/lib/x86_64-linux-gnu/lib\(number).so.\(number % 7)") }
        return builder
    }
}

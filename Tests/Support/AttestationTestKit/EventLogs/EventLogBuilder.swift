import ByteParsing
public import TCGEventLog
import TPMCryptography
public import TPMStructures

/// Writes event logs, true or false ones: every field that a real log computes can be overridden. What a TPM would hold
/// after the events comes from ``sealed(startupLocality:)``, which shares no code with the replay under test.
public struct EventLogBuilder: Sendable {
    /// A record before it is written.
    public struct Event: Sendable {
        public var pcr: UInt32
        public var type: TCGEventType
        public var data: [UInt8]
        /// Algorithm and bytes, written as they are.
        public var digests: [(algorithm: TPMAlgID, bytes: [UInt8])]
        /// What the size field says; nil: the truth.
        public var eventSize: UInt32?
        /// What the digest count says; nil: the truth.
        public var digestCount: UInt32?

        public init(pcr: UInt32, type: TCGEventType, data: [UInt8], digests: [(TPMAlgID, [UInt8])]) {
            self.pcr = pcr
            self.type = type
            self.data = data
            self.digests = digests.map { ($0.0, $0.1) }
        }
    }

    /// Crypto-agile unless false: then SHA-1 records without a header.
    public var cryptoAgile = true
    public var banks: [PCRBank]
    /// The data of the header event; nil: a true one for ``banks``.
    public var headerData: [UInt8]?
    /// The register that the header names: 0, or 1 in a CC event log.
    public var headerRegister: UInt32 = 0
    public var writesHeader = true
    public var events: [Event] = []

    public init(banks: [PCRBank] = [.sha256]) { self.banks = banks }

    /// Takes a log apart, so that a test can change it and write it again.
    public init(_ log: TCGEventLog) {
        banks = log.banks
        cryptoAgile = log.format == .cryptoAgile
        for event in log.events.dropFirst(cryptoAgile ? 1 : 0) {
            events.append(
                Event(
                    pcr: event.registerIndex, type: event.untrustedEventType, data: event.data,
                    digests: event.digests.map { ($0.algorithm.algorithmID, $0.bytes) }))
        }
        if cryptoAgile {
            headerData = log.events.first?.data
            headerRegister = log.events.first?.registerIndex ?? 0
        }
    }

    /// A record whose digests are the hash of `measured`, or of the data when that is nil.
    public func event(
        _ pcr: UInt32, _ type: TCGEventType, _ data: [UInt8], measuring measured: [UInt8]? = nil
    ) -> Event {
        Event(
            pcr: pcr, type: type, data: data,
            digests: banks.map { ($0.algorithmID, MessageDigest.hash(measured ?? data, $0).bytes) })
    }

    public mutating func append(
        _ pcr: UInt32, _ type: TCGEventType, _ data: [UInt8], measuring measured: [UInt8]? = nil
    ) {
        events.append(event(pcr, type, data, measuring: measured))
    }

    /// An EV_NO_ACTION with zero digests.
    public mutating func appendNoAction(_ data: [UInt8], pcr: UInt32 = 0) {
        events.append(noAction(data, pcr: pcr))
    }

    public func noAction(_ data: [UInt8], pcr: UInt32 = 0) -> Event {
        Event(
            pcr: pcr, type: .noAction, data: data,
            digests: banks.map { ($0.algorithmID, [UInt8](repeating: 0, count: $0.digestSize)) })
    }

    // MARK: Writing

    public var bytes: [UInt8] {
        var writer = ByteWriter()
        if cryptoAgile, writesHeader { writeSHA1(header, to: &writer) }
        for event in events {
            if cryptoAgile { writeAgile(event, to: &writer) } else { writeSHA1(event, to: &writer) }
        }
        return writer.bytes
    }

    /// The parsed log; for tests whose log is meant to parse.
    public var log: TCGEventLog { get throws { try TCGEventLog(parsing: bytes) } }

    private var header: Event {
        Event(
            pcr: headerRegister, type: .noAction,
            data: headerData ?? Self.specID(banks.map { ($0.algorithmID.rawValue, UInt16($0.digestSize)) }),
            digests: [(.sha1, [UInt8](repeating: 0, count: 20))])
    }

    /// The data of a Spec ID Event03.
    public static func specID(
        _ algorithms: [(UInt16, UInt16)], count: UInt32? = nil, vendorSize: UInt8 = 0, vendorInfo: [UInt8] = [],
        signature: String = "Spec ID Event03"
    ) -> [UInt8] {
        var writer = ByteWriter()
        writer.write(Array(signature.utf8) + [0])
        writer.write([0, 0, 0, 0, 0, 2, 0, 2])
        writer.writeLittleEndian(count ?? UInt32(algorithms.count))
        for (algorithm, size) in algorithms {
            writer.writeLittleEndian(algorithm)
            writer.writeLittleEndian(size)
        }
        writer.write([vendorSize])
        writer.write(vendorInfo)
        return writer.bytes
    }

    private func writeAgile(_ event: Event, to writer: inout ByteWriter) {
        writer.writeLittleEndian(event.pcr)
        writer.writeLittleEndian(event.type.rawValue)
        writer.writeLittleEndian(event.digestCount ?? UInt32(event.digests.count))
        for digest in event.digests {
            writer.writeLittleEndian(digest.algorithm.rawValue)
            writer.write(digest.bytes)
        }
        writer.writeLittleEndian(event.eventSize ?? UInt32(event.data.count))
        writer.write(event.data)
    }

    private func writeSHA1(_ event: Event, to writer: inout ByteWriter) {
        writer.writeLittleEndian(event.pcr)
        writer.writeLittleEndian(event.type.rawValue)
        writer.write(event.digests.first { $0.algorithm == .sha1 }?.bytes ?? [UInt8](repeating: 0, count: 20))
        writer.writeLittleEndian(event.eventSize ?? UInt32(event.data.count))
        writer.write(event.data)
    }

    // MARK: Sealing

    /// What a TPM holds that started at `startupLocality` and was extended with every event but EV_NO_ACTION: the catalogue's
    /// `seal`, in software.
    public func sealed(startupLocality: UInt8 = 0) -> PCRValues {
        var values = PCRValues()
        for bank in banks {
            var registers = PCRIndex.all.map { index in
                [UInt8](repeating: (17...22).contains(index.rawValue) ? 0xFF : 0, count: bank.digestSize)
            }
            registers[0][bank.digestSize - 1] = startupLocality
            for event in events where event.type != .noAction && event.pcr < PCRIndex.count {
                guard let digest = event.digests.first(where: { $0.algorithm == bank.algorithmID }) else { continue }
                let index = Int(event.pcr)
                registers[index] = MessageDigest.hash(registers[index] + digest.bytes, bank).bytes
            }
            for index in PCRIndex.all {
                guard let digest = Digest(algorithm: bank, bytes: registers[Int(index.rawValue)]) else { continue }
                values.set(digest, bank: bank, index: index)
            }
        }
        return values
    }
}

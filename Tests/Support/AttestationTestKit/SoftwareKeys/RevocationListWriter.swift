public import Crypto
public import Foundation
internal import SwiftASN1
public import X509

/// Writes revocation lists (RFC 5280, section 5.1), also such as no CA should.
public enum RevocationListWriter {
    public struct Entry: Sendable {
        /// Big-endian magnitude.
        public var serialNumber: [UInt8]
        public var at: Date
        /// Content of the ENUMERATED; nil leaves the extension out.
        public var reason: [UInt8]?
        /// Text of the GeneralizedTime (`20260101000000Z`); nil leaves the extension out.
        public var invalidSince: String?

        public init(
            _ serialNumber: [UInt8], at: Date = EKCertificateAuthority.epoch, reason: [UInt8]? = nil,
            invalidSince: String? = nil
        ) {
            self.serialNumber = serialNumber
            self.at = at
            self.reason = reason
            self.invalidSince = invalidSince
        }
    }

    /// - Returns: DER, signed with ECDSA and SHA-256; of version 1 where no entry has an extension.
    public static func der(
        _ entries: [Entry], issuer: DistinguishedName, key: P256.Signing.PrivateKey
    ) throws -> [UInt8] {
        let algorithm = element(0x30, [0x06, 8, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02])
        var name = DER.Serializer()
        try name.serialize(issuer)
        let isSecondVersion = entries.contains { $0.reason != nil || $0.invalidSince != nil }
        let revoked = entries.flatMap(entry)
        let list = element(
            0x30,
            (isSecondVersion ? [0x02, 1, 1] : []) + algorithm + name.serializedBytes
                + time(EKCertificateAuthority.epoch) + (revoked.isEmpty ? [] : element(0x30, revoked)))
        let signature = Array(try key.signature(for: list).derRepresentation)
        return element(0x30, list + algorithm + element(0x03, [0] + signature))
    }

    private static func entry(_ entry: Entry) -> [UInt8] {
        var extensions: [UInt8] = []
        func add(_ identifier: UInt8, _ value: [UInt8]) {
            extensions += element(0x30, [0x06, 3, 0x55, 0x1D, identifier] + element(0x04, value))
        }
        if let reason = entry.reason { add(21, element(0x0A, reason)) }
        if let since = entry.invalidSince { add(24, element(0x18, Array(since.utf8))) }
        let serial = ((entry.serialNumber.first ?? 0) > 0x7F ? [0] : []) + entry.serialNumber
        return element(
            0x30,
            element(0x02, serial) + time(entry.at) + (extensions.isEmpty ? [] : element(0x30, extensions)))
    }

    /// UTCTime: until 2049.
    private static func time(_ date: Date) -> [UInt8] {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = TimeZone(secondsFromGMT: 0) ?? calendar.timeZone
        let parts = calendar.dateComponents([.year, .month, .day, .hour, .minute, .second], from: date)
        let numbers = [(parts.year ?? 0) % 100, parts.month, parts.day, parts.hour, parts.minute, parts.second]
        return element(0x17, Array((numbers.map { String(($0 ?? 0) + 100).suffix(2) }.joined() + "Z").utf8))
    }

    private static func element(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
        let length: [UInt8] =
            switch content.count {
            case ..<128: [UInt8(content.count)]
            case ..<256: [0x81, UInt8(content.count)]
            default: [0x82, UInt8(content.count >> 8), UInt8(content.count & 0xFF)]
            }
        return [tag] + length + content
    }
}

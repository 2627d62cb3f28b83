internal import ByteParsing

/// The name by which people know an X.509 certificate, for display. Reads no more of the certificate than the way to its
/// subject, verifies nothing, and decides nothing.
public enum CertificateSubject {
    /// The subject's common name, else its organization; control characters escaped. nil for anything that is not DER of a
    /// certificate.
    public static func name(ofDER der: ArraySlice<UInt8>) -> String? {
        guard let certificate = element(der, tag: sequence), let body = element(certificate.content, tag: sequence)
        else { return nil }
        var rest = body.content
        if rest.first == versionTag, let version = element(rest, tag: versionTag) { rest = version.rest }
        // serialNumber, signature, issuer, validity, subject (RFC 5280, section 4.1).
        for tag in [integer, sequence, sequence, sequence] {
            guard let skipped = element(rest, tag: tag) else { return nil }
            rest = skipped.rest
        }
        guard let subject = element(rest, tag: sequence) else { return nil }
        return (attribute(subject.content, commonName) ?? attribute(subject.content, organization)).map(LogText.escape)
    }

    private static let sequence: UInt8 = 0x30
    private static let set: UInt8 = 0x31
    private static let integer: UInt8 = 0x02
    private static let versionTag: UInt8 = 0xA0
    private static let objectIdentifier: UInt8 = 0x06
    private static let commonName: [UInt8] = [0x55, 0x04, 0x03]
    private static let organization: [UInt8] = [0x55, 0x04, 0x0A]

    private static func attribute(_ name: ArraySlice<UInt8>, _ wanted: [UInt8]) -> String? {
        var rest = name
        while let relative = element(rest, tag: set) {
            rest = relative.rest
            guard let pair = element(relative.content, tag: sequence),
                let type = element(pair.content, tag: objectIdentifier), type.content.elementsEqual(wanted),
                let tag = type.rest.first, let value = element(type.rest, tag: tag)
            else { continue }
            // BMPString is UTF-16, most significant byte first; the other string types are ASCII or UTF-8.
            guard tag == 0x1E else { return String(decoding: value.content, as: UTF8.self) }
            let bytes = Array(value.content)
            let units = stride(from: 0, to: bytes.count - 1, by: 2).map {
                UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1])
            }
            return String(decoding: units, as: UTF16.self)
        }
        return nil
    }

    private static func element(
        _ bytes: ArraySlice<UInt8>, tag: UInt8
    ) -> (content: ArraySlice<UInt8>, rest: ArraySlice<UInt8>)? {
        guard bytes.count >= 2, bytes.first == tag else { return nil }
        var position = bytes.startIndex + 1
        var length = Int(bytes[position])
        position += 1
        if length >= 0x80 {
            let size = length & 0x7F
            guard (1...3).contains(size), bytes.endIndex - position >= size else { return nil }
            length = bytes[position..<position + size].reduce(0) { $0 << 8 | Int($1) }
            position += size
        }
        guard length <= bytes.endIndex - position else { return nil }
        return (bytes[position..<position + length], bytes[(position + length)...])
    }
}

internal import ByteParsing

/// EFI_VARIABLE_AUTHENTICATION_2 (UEFI 2.10, section 8.2.2): time and PKCS #7 signature of an update to a variable.
public struct VariableAuthentication: Hashable, Sendable {
    /// `2010-03-06T19:17:21`, as the update states it; without a zone.
    public let timestamp: String
    /// DER of the SignedData, unverified.
    public let signature: [UInt8]

    private static let timeSize = 16
    /// dwLength, wRevision, wCertificateType, CertType.
    private static let headSize = 24
    private static let revision: UInt16 = 0x0200
    /// WIN_CERT_TYPE_EFI_GUID.
    private static let certificateType: UInt16 = 0x0EF1
    /// EFI_CERT_TYPE_PKCS7_GUID.
    private static let pkcs7 = EFIGUID("4aafd29d-68df-49ee-8aa9-347d375665a7")

    /// Whether the bytes have this structure's fixed fields where they belong.
    static func begins(_ bytes: ArraySlice<UInt8>) -> Bool {
        bytes.count >= timeSize + headSize
            && bytes.dropFirst(timeSize + 4).prefix(4).elementsEqual([0x00, 0x02, 0xF1, 0x0E])
    }

    /// - Returns: the structure and its size in bytes.
    static func parse(
        _ data: Span<UInt8>, at start: Int
    ) throws(EventDataError) -> (VariableAuthentication, Int) {
        do throws(ParsingError) {
            var reader = ByteReader(data.extracting(start..<data.count), baseOffset: start)
            let timestamp = try readTime(&reader)
            let length = Int(try reader.readLittleEndian(UInt32.self, "WIN_CERTIFICATE.dwLength"))
            guard length >= headSize, length - 4 <= reader.remaining else {
                throw reader.error(
                    "WIN_CERTIFICATE.dwLength", back: 4,
                    .outOfRange(value: UInt64(length), limit: UInt64(reader.remaining + 4)))
            }
            let revision = try reader.readLittleEndian(UInt16.self, "WIN_CERTIFICATE.wRevision")
            guard revision == Self.revision else {
                throw reader.error("WIN_CERTIFICATE.wRevision", back: 2, .unknownValue(UInt64(revision)))
            }
            let type = try reader.readLittleEndian(UInt16.self, "WIN_CERTIFICATE.wCertificateType")
            guard type == certificateType else {
                throw reader.error("WIN_CERTIFICATE.wCertificateType", back: 2, .unknownValue(UInt64(type)))
            }
            guard try EFIGUID(reading: &reader, "WIN_CERTIFICATE_UEFI_GUID.CertType") == pkcs7 else {
                throw reader.error("WIN_CERTIFICATE_UEFI_GUID.CertType", back: 16, .malformed("is not PKCS #7"))
            }
            let signature = try reader.readBytes(length - headSize, "WIN_CERTIFICATE_UEFI_GUID.CertData")
            return (VariableAuthentication(timestamp: timestamp, signature: signature), timeSize + length)
        } catch {
            throw EventDataError(.signatureList, error)
        }
    }

    /// EFI_TIME (UEFI 2.10, section 8.3).
    private static func readTime(_ reader: inout ByteReader) throws(ParsingError) -> String {
        let year = try reader.readLittleEndian(UInt16.self, "EFI_TIME.Year")
        var fields: [UInt8] = []
        for name in ["Month", "Day", "Hour", "Minute", "Second"] {
            fields.append(try reader.readUInt8("EFI_TIME.\(name)"))
        }
        try reader.skip(9, "EFI_TIME.Nanosecond")
        func digits(_ value: some BinaryInteger, _ width: Int) -> String {
            let text = String(value)
            return String(repeating: "0", count: max(0, width - text.count)) + text
        }
        return "\(digits(year, 4))-\(digits(fields[0], 2))-\(digits(fields[1], 2))T"
            + "\(digits(fields[2], 2)):\(digits(fields[3], 2)):\(digits(fields[4], 2))"
    }
}

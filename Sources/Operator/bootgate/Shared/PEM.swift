import FoundationEssentials

enum PEM {
    /// RFC 7468 text of one DER certificate, 64 columns.
    static func certificate(_ der: [UInt8]) -> String {
        var text = "-----BEGIN CERTIFICATE-----\n"
        var body = Substring(Data(der).base64EncodedString())
        while !body.isEmpty {
            text += body.prefix(64) + "\n"
            body = body.dropFirst(64)
        }
        return text + "-----END CERTIFICATE-----\n"
    }
}

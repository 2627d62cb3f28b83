import FoundationEssentials

enum PEM {
    /// The content of the first block, whatever its label; nil where there is none, or no base64 in it.
    static func content(_ text: String) -> [UInt8]? {
        let lines = text.split(whereSeparator: \.isNewline)
        guard let begin = lines.firstIndex(where: { $0.hasPrefix("-----BEGIN ") }),
            let end = lines[begin...].firstIndex(where: { $0.hasPrefix("-----END ") })
        else { return nil }
        return Data(base64Encoded: lines[(begin + 1)..<end].joined()).map(Array.init)
    }

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

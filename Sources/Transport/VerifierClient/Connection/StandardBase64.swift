internal import ByteParsing

/// Base64 with padding (RFC 4648, section 4): libcurl's notation for pins.
enum StandardBase64 {
    static func encode(_ bytes: [UInt8]) -> String {
        var text = ""
        for character in Base64URL.encode(bytes) {
            switch character {
            case "-": text.append("+")
            case "_": text.append("/")
            default: text.append(character)
            }
        }
        while text.utf8.count % 4 != 0 { text.append("=") }
        return text
    }
}

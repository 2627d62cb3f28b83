internal import ByteParsing

/// Where the verifier is and how it is recognised. Nothing else decides: no environment variable, no system CA store.
package struct VerifierEndpoint: Hashable, Sendable {
    package let host: String
    package let port: Int
    /// The name (or IP address) that the verifier's certificate must carry.
    package let name: String
    /// PEM file with the only accepted root certificates.
    package let caFile: String
    /// SHA-256 of accepted SubjectPublicKeyInfos (two, for rotation); empty: no pin beyond the CA.
    package let pins: [[UInt8]]
    /// False for the agent, whose clock may be dead (catalogue AD-13): chain, name and pin are checked, dates are not.
    package let checksDates: Bool

    /// - Parameters:
    ///   - url: `https://host[:port]`, IPv6 addresses in brackets; no path, query or user.
    ///   - name: The name to check in place of the URL's host.
    ///   - pins: `sha256:<64 hex digits>` each.
    /// - Throws: ``VerifierClientError`` with the code `configuration` that names the wrong part.
    package init(url: String, caFile: String, name: String? = nil, pins: [String] = [], checksDates: Bool = true)
        throws(VerifierClientError)
    {
        let (host, port) = try Self.parse(url)
        self.host = host
        self.port = port
        self.name = try name.map(Self.checkedHost) ?? host
        guard !caFile.isEmpty else { throw Self.error("the CA file is not named") }
        self.caFile = caFile
        guard pins.count <= 2 else { throw Self.error("at most two pins, there are \(pins.count)") }
        var parsed: [[UInt8]] = []
        for pin in pins {
            guard pin.hasPrefix("sha256:"), let bytes = Hex.decode(pin.dropFirst(7)), bytes.count == 32 else {
                throw Self.error("a pin is sha256: and 64 hex digits")
            }
            parsed.append(bytes)
        }
        self.pins = parsed
        self.checksDates = checksDates
    }

    /// IPv6 addresses in brackets.
    static func bracketed(_ host: String) -> String { host.contains(":") ? "[\(host)]" : host }

    private static func error(_ message: String) -> VerifierClientError {
        VerifierClientError(.configuration, "verifier: \(message)")
    }

    private static func parse(_ url: String) throws(VerifierClientError) -> (String, Int) {
        guard url.hasPrefix("https://") else { throw error("the URL does not begin with https://") }
        var authority = url.dropFirst("https://".count)
        if authority.hasSuffix("/") { authority = authority.dropLast() }
        let host: Substring
        let rest: Substring
        if authority.hasPrefix("[") {
            guard let end = authority.firstIndex(of: "]") else { throw error("the URL's address lacks a ]") }
            host = authority[authority.index(after: authority.startIndex)..<end]
            rest = authority[authority.index(after: end)...]
        } else {
            let end = authority.firstIndex(of: ":") ?? authority.endIndex
            host = authority[..<end]
            rest = authority[end...]
        }
        var port = 443
        if !rest.isEmpty {
            guard rest.hasPrefix(":"), rest.dropFirst().utf8.allSatisfy({ (48...57).contains($0) }),
                let value = Int(rest.dropFirst()), (1...65535).contains(value)
            else { throw error("the URL is https://host[:port] without anything behind") }
            port = value
        }
        return (try checkedHost(String(host)), port)
    }

    private static func checkedHost(_ host: String) throws(VerifierClientError) -> String {
        let accepted = host.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: ":"):
                true
            default: false
            }
        }
        guard !host.isEmpty, host.utf8.count <= 253, accepted else {
            throw error("a host name holds letters, digits, dots and hyphens")
        }
        return host
    }
}

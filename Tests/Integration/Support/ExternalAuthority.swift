import SoftwareTPM

/// A CA of the operator's own, outside Bootgate: openssl with a database, so that it can revoke.
final class ExternalAuthority {
    let directory: TemporaryDirectory
    var certificate: String { directory.file("ca.pem") }
    var revocationList: String { directory.file("crl.pem") }

    init(_ name: String, days: Int = 30) throws {
        directory = try TemporaryDirectory()
        try directory.write(Array(Self.configuration(directory.path, name).utf8), to: "ca.conf")
        try directory.write([], to: "index.txt")
        for number in ["serial", "crlnumber"] { try directory.write(Array("1000\n".utf8), to: number) }
        try openssl(
            ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "\(days)"]
                + ["-keyout", directory.file("ca.key"), "-out", certificate])
        try writeRevocationList()
    }

    /// Makes `NAME.key` and `NAME.pem`: a node's certificate but for what the caller changes.
    ///
    /// - Parameters:
    ///   - from: and `until`, `YYYYMMDDHHMMSSZ`; ten days from now where nil.
    ///   - key: an existing key's file; a new one where nil.
    @discardableResult
    func issue(
        _ name: String, uri: String = "URI:bootgate://node/edge-77", usage: String = "clientAuth",
        from start: String? = nil, until end: String? = nil, key: String? = nil
    ) throws -> Identity {
        let request = directory.file("\(name).csr")
        let identity = Identity(certificate: directory.file("\(name).pem"), key: key ?? directory.file("\(name).key"))
        let keyArguments =
            key.map { ["-key", $0] }
            ?? ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", identity.key]
        try openssl(["req", "-new", "-subj", "/CN=\(name)", "-out", request] + keyArguments)
        try openssl(
            ["ca", "-batch", "-notext", "-extensions", "leaf", "-in", request, "-out", identity.certificate]
                + (start.map { ["-startdate", $0] } ?? []) + (end.map { ["-enddate", $0] } ?? []),
            ["USAGE": usage, "NAMES": uri])
        return identity
    }

    func revoke(_ identity: Identity, reason: String? = nil) throws {
        try openssl(["ca", "-revoke", identity.certificate] + (reason.map { ["-crl_reason", $0] } ?? []))
        try writeRevocationList()
    }

    private func writeRevocationList() throws { try openssl(["ca", "-gencrl", "-out", revocationList]) }

    private func openssl(_ arguments: [String], _ environment: [String: String] = [:]) throws {
        try runProcessSuccessfully(
            "openssl", [arguments[0], "-config", directory.file("ca.conf")] + arguments.dropFirst(),
            environment: ["USAGE": "clientAuth", "NAMES": "DNS:unused"].merging(environment) { $1 })
    }

    private static func configuration(_ folder: String, _ name: String) -> String {
        """
        [ca]
        default_ca = own
        [own]
        database = \(folder)/index.txt
        new_certs_dir = \(folder)
        serial = \(folder)/serial
        crlnumber = \(folder)/crlnumber
        certificate = \(folder)/ca.pem
        private_key = \(folder)/ca.key
        default_md = sha256
        default_days = 10
        default_crl_days = 10
        policy = any
        unique_subject = no
        [any]
        commonName = supplied
        [req]
        distinguished_name = name
        prompt = no
        x509_extensions = authority
        [name]
        CN = \(name)
        [authority]
        basicConstraints = critical,CA:TRUE
        keyUsage = critical,keyCertSign,cRLSign
        subjectKeyIdentifier = hash
        [leaf]
        basicConstraints = critical,CA:FALSE
        keyUsage = critical,digitalSignature
        extendedKeyUsage = ${ENV::USAGE}
        subjectAltName = ${ENV::NAMES}
        authorityKeyIdentifier = keyid

        """
    }
}

/// A client certificate and its key, as PEM files.
struct Identity {
    var certificate: String
    var key: String

    /// Self-signed over a new P-256 key: all that the enrollment listener asks for.
    static func selfSigned(in directory: TemporaryDirectory) throws -> Identity {
        let identity = Identity(certificate: directory.file("self.pem"), key: directory.file("self.key"))
        try runProcessSuccessfully(
            "openssl",
            ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=self"]
                + ["-days", "2", "-keyout", identity.key, "-out", identity.certificate])
        return identity
    }
}

internal import Admission
internal import Crypto
internal import X509

/// Where the verifier's own files lie, below one directory of mode 0700.
struct DataDirectory {
    let path: String

    var store: String { "\(path)/verifier.sqlite" }
    var auditKey: String { "\(path)/audit.key" }
    var serverCertificate: String { "\(path)/tls/server.pem" }
    var serverKey: String { "\(path)/tls/server.key" }
    var resultKey: String { "\(path)/ear/current.key" }
    /// Public key of the one before, PEM.
    var previousResultKey: String { "\(path)/ear/previous.pem" }
    var operators: String { "\(path)/operators" }
    var siemFile: String { "\(path)/events.jsonl" }
    var subdirectories: [String] { ["tls", "ear", "ca", "operators"].map { "\(path)/\($0)" } }

    func authorityCertificate(_ purpose: CertificateAuthority.Purpose) -> String {
        "\(path)/ca/\(purpose.rawValue)-ca.pem"
    }
    func authorityKey(_ purpose: CertificateAuthority.Purpose) -> String { "\(path)/ca/\(purpose.rawValue)-ca.key" }

    func authority(_ purpose: CertificateAuthority.Purpose) throws -> CertificateAuthority {
        let certificates = try CertificateEncoding.certificates(pem: FileAccess.text(authorityCertificate(purpose)))
        let key = try P256.Signing.PrivateKey(pemRepresentation: FileAccess.secret(authorityKey(purpose)))
        return try CertificateAuthority(
            certificate: certificates[0], key: key, chain: Array(certificates.dropFirst()))
    }

    func resultSigningKey() throws -> (current: P256.Signing.PrivateKey, previous: P256.Signing.PublicKey?) {
        let current = try P256.Signing.PrivateKey(pemRepresentation: FileAccess.secret(resultKey))
        guard FileAccess.exists(previousResultKey) else { return (current, nil) }
        return (current, try P256.Signing.PublicKey(pemRepresentation: FileAccess.text(previousResultKey)))
    }
}

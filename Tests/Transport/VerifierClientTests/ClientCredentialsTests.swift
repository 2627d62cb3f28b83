import Crypto
import Foundation
import StubVerifier
import SwiftASN1
import Testing
import VerifierClient
import X509

/// A digest that was made elsewhere.
private struct GivenDigest: Digest {
    static let byteCount = 32
    let bytes: [UInt8]
    func makeIterator() -> Array<UInt8>.Iterator { bytes.makeIterator() }
    func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
        try bytes.withUnsafeBytes(body)
    }
    var description: String { "given" }
}

private struct KeyRefused: Error {}

private func externalKey(_ key: P256.Signing.PrivateKey, fails: Bool = false) -> ExternalKey {
    ExternalKey(subjectPublicKeyInfo: Array(key.publicKey.derRepresentation)) { digest in
        if fails { throw KeyRefused() }
        return Array(try key.signature(for: GivenDigest(bytes: digest)).derRepresentation)
    }
}

@Suite("What the client shows of itself")
struct ClientCredentialsTests {
    @Test("A self-signed certificate over an external key is well formed, self-signed and holds that key")
    func selfSigned() throws {
        let key = P256.Signing.PrivateKey()
        let der = try SelfSignedCertificate.make(commonName: "edge-17", key: externalKey(key))
        let certificate = try Certificate(derEncoded: der)
        #expect(certificate.publicKey == Certificate.PublicKey(key.publicKey))
        #expect(certificate.subject == certificate.issuer)
        #expect(certificate.version == .v3)
        #expect(certificate.publicKey.isValidSignature(certificate.signature, for: certificate))
    }

    @Test("An external key signs the TLS 1.3 handshake, and its certificate reaches the verifier")
    func externalKeyHandshake() async throws {
        let folder = try TestFolder()
        let authority = try StubAuthority()
        let ca = try folder.caFile(authority)
        let key = externalKey(P256.Signing.PrivateKey())
        let certificate = try SelfSignedCertificate.make(commonName: "edge-17", key: key)
        try await StubVerifier(authority: authority) { _ in StubReply(status: 200) }.run { server in
            let client = try client(
                "https://127.0.0.1:\(server.port)", ca: ca,
                credentials: .external(certificates: [certificate], key: key))
            for _ in 1...3 { try await client.health() }
            #expect(server.requests.map(\.peerCertificate) == [certificate, certificate, certificate])
            #expect(server.acceptedConnections == 1)
        }
    }

    @Test("A key that refuses to sign, or signs with another key, ends the call without a request")
    func signingFails() async throws {
        let folder = try TestFolder()
        let authority = try StubAuthority()
        let ca = try folder.caFile(authority)
        let key = P256.Signing.PrivateKey()
        let certificate = try SelfSignedCertificate.make(commonName: "edge-17", key: externalKey(key))
        let other = P256.Signing.PrivateKey()
        let wrong = ExternalKey(subjectPublicKeyInfo: Array(key.publicKey.derRepresentation)) { digest in
            Array(try other.signature(for: GivenDigest(bytes: digest)).derRepresentation)
        }
        try await StubVerifier(authority: authority) { _ in StubReply(status: 200) }.run { server in
            let url = "https://127.0.0.1:\(server.port)"
            let refusing = try client(
                url, ca: ca,
                credentials: .external(certificates: [certificate], key: externalKey(key, fails: true)))
            #expect(await failure { try await refusing.health() }?.code == .signing)
            let lying = try client(url, ca: ca, credentials: .external(certificates: [certificate], key: wrong))
            #expect(await failure { try await lying.health() }?.code == .unreachable)
            #expect(server.requests.isEmpty)
        }
    }

    @Test("A certificate and key from files authenticate")
    func files() async throws {
        let folder = try TestFolder()
        let authority = try StubAuthority()
        let ca = try folder.caFile(authority)
        let key = P256.Signing.PrivateKey()
        let certificate = try authority.issue(
            Certificate.PublicKey(key.publicKey), names: [.uniformResourceIdentifier("bootgate://operator/ann")])
        let certificateFile = try folder.write("ann.pem", try StubAuthority.pem(certificate), mode: 0o644)
        let keyFile = try folder.write("ann.key", key.pemRepresentation)
        try await StubVerifier(authority: authority) { _ in StubReply(status: 200) }.run { server in
            let client = try client(
                "https://127.0.0.1:\(server.port)", ca: ca,
                credentials: .file(certificate: certificateFile, key: keyFile))
            try await client.health()
            #expect(server.requests.first?.peerCertificate == (try StubAuthority.der(certificate)))
        }
    }

    @Test(
        "TA-17: a private key that its group or others may touch is refused with CLI_KEY_PERMS and exit code 4",
        arguments: [0o644, 0o640, 0o604, 0o620, 0o602, 0o610])
    func keyPermissions(mode: Int) throws {
        let folder = try TestFolder()
        let key = try folder.write("key.pem", P256.Signing.PrivateKey().pemRepresentation, mode: mode)
        let error = #expect(throws: VerifierClientError.self) {
            _ = try ClientCredentials.file(certificate: key, key: key)
        }
        #expect(error?.code == .keyPermissions)
        #expect(error?.reasonCode == "CLI_KEY_PERMS")
        #expect(error?.exitCode == 4)
        #expect(error?.message.contains("chmod 600") == true)
    }

    @Test("A key that is a directory, a FIFO, missing, or huge is a configuration error and hangs nothing")
    func strangeKeys() throws {
        let folder = try TestFolder()
        let fifo = folder.url.path + "/fifo"
        #expect(mkfifo(fifo, 0o600) == 0)
        let huge = try folder.write("huge.pem", String(repeating: "A", count: 300 * 1024))
        for path in [folder.url.path, fifo, folder.url.path + "/absent", huge] {
            let error = #expect(throws: VerifierClientError.self) {
                _ = try ClientCredentials.file(certificate: path, key: path)
            }
            #expect(error?.code == .configuration)
        }
    }

    @Test("A public key that is no P-256 key, is cut or has a byte more is refused")
    func badPublicKeys() throws {
        let good = Array(P256.Signing.PrivateKey().publicKey.derRepresentation)
        let other = Array(P384.Signing.PrivateKey().publicKey.derRepresentation)
        for bytes in [[], other, good + [0]] + (1..<good.count).map({ Array(good.prefix($0)) }) {
            #expect(throws: VerifierClientError.self) {
                _ = try SelfSignedCertificate.make(
                    commonName: "n", key: ExternalKey(subjectPublicKeyInfo: bytes) { _ in [] })
            }
        }
    }
}

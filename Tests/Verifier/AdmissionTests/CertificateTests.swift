import Admission
import AttestationMessages
import Crypto
import Foundation
import SecurityEvents
import SoftwareTPM
import SwiftASN1
import Testing
import VerifierService
import X509

@Suite("Certificates")
struct CertificateTests {
    private let now = Int64(Date().timeIntervalSince1970 * 1000)
    private let node = NodeID("n1")!

    private func authority(_ purpose: CertificateAuthority.Purpose) throws -> CertificateAuthority {
        try CertificateAuthority.create(
            purpose, instance: "test", key: P256.Signing.PrivateKey(), nowMilliseconds: now)
    }
    private func spki(_ key: P256.Signing.PrivateKey) -> [UInt8] { Array(key.publicKey.derRepresentation) }
    private func milliseconds(_ date: Date) -> Int64 { Int64(date.timeIntervalSince1970 * 1000) }

    @Test("An identity certificate is for client authentication, 90 days, and openssl verifies it against its CA only")
    func identity() throws {
        let identity = try authority(.identity)
        let issuer = CertificateIssuer(identity: identity, operators: try authority(.operator))
        let key = P256.Signing.PrivateKey()
        let path = try issuer.identityCertificate(node: node, spki: spki(key), nowMilliseconds: now)
        let certificate = try Certificate(derEncoded: path[0])
        #expect(path.count == 1)
        #expect(try CertificateEncoding.spki(certificate.publicKey) == spki(key))
        #expect(abs(milliseconds(certificate.notValidAfter) - now - CertificateLife.identity) < 2000)
        #expect(try certificate.extensions.extendedKeyUsage?.contains(.clientAuth) == true)
        #expect(
            try certificate.extensions.subjectAlternativeNames?.map(String.init(describing:))
                == ["URI(\"bootgate://node/n1\")"])
        let directory = try TemporaryDirectory()
        try directory.write(Array(try CertificateEncoding.pem([certificate]).utf8), to: "leaf.pem")
        for (other, succeeds) in [(identity, true), (try authority(.identity), false)] {
            try directory.write(Array(try CertificateEncoding.pem([other.certificate]).utf8), to: "ca.pem")
            let result = try runProcess(
                "openssl",
                [
                    "verify", "-x509_strict", "-purpose", "sslclient", "-CAfile", directory.file("ca.pem"),
                    directory.file("leaf.pem"),
                ])
            #expect(result.succeeded == succeeds, "\(result.errorText)")
        }
    }

    @Test("An admission certificate ends with the evidence's age or after an hour, whichever is first")
    func admissionLife() async throws {
        let signer = try await AttestationResultSigner(
            authority: try authority(.admission), issuer: "v", build: "1", key: P256.Signing.PrivateKey(), previous: nil
        )
        let key = spki(P256.Signing.PrivateKey())
        let minute: Int64 = 60_000
        for (left, life) in [(10 * minute, 10 * minute), (600 * minute, 60 * minute), (minute, minute)] {
            let path = try signer.admissionCertificate(
                node: node, bootKeySPKI: key, evidenceAgeEndsMilliseconds: now + left, nowMilliseconds: now)
            let certificate = try Certificate(derEncoded: path[0])
            #expect(abs(milliseconds(certificate.notValidAfter) - now - life) < 2000)
            #expect(
                milliseconds(certificate.notValidAfter) - milliseconds(certificate.notValidBefore) <= 60 * minute + 1000
            )
        }
        for ended in [now, now - 1, Int64.min] {
            #expect(throws: ServiceError.self) {
                try signer.admissionCertificate(
                    node: node, bootKeySPKI: key, evidenceAgeEndsMilliseconds: ended, nowMilliseconds: now)
            }
        }
    }

    @Test("Keys that are not P-256 get no certificate")
    func wrongKeys() throws {
        let issuer = CertificateIssuer(identity: try authority(.identity), operators: try authority(.operator))
        let good = spki(P256.Signing.PrivateKey())
        let p384 = Array(P384.Signing.PrivateKey().publicKey.derRepresentation)
        for bad in [[], [0x30], p384, Array(good.dropLast()), good + [0]] {
            #expect(throws: (any Error).self) {
                try issuer.identityCertificate(node: node, spki: bad, nowMilliseconds: now)
            }
        }
    }

    @Test("An operator's certificate comes from a request that its own key signed, and takes no name from it")
    func operators() throws {
        let issuer = CertificateIssuer(identity: try authority(.identity), operators: try authority(.operator))
        let key = P256.Signing.PrivateKey()
        let request = try CertificateSigningRequest(
            version: .v1, subject: try DistinguishedName { CommonName("root") }, privateKey: .init(key),
            attributes: .init())
        var serializer = DER.Serializer()
        try serializer.serialize(request)
        let der = serializer.serializedBytes
        let issued = try issuer.operatorCertificate(name: "alice", certificateRequest: der, nowMilliseconds: now)
        let certificate = try Certificate(derEncoded: issued.certificates[0])
        #expect(String(describing: certificate.subject).contains("alice"))
        #expect(issued.keySHA256.count == 64)
        // The last bytes are the signature's.
        for position in der.indices.suffix(32) {
            var forged = der
            forged[position] ^= 1
            #expect(throws: ServiceError.self, "byte \(position)") {
                try issuer.operatorCertificate(name: "alice", certificateRequest: forged, nowMilliseconds: now)
            }
        }
    }

    @Test("A CA takes only the key of its certificate, and only a CA's certificate")
    func mismatch() throws {
        let identity = try authority(.identity)
        #expect(throws: CertificateAuthorityError.keyMismatch) {
            try CertificateAuthority(certificate: identity.certificate, key: P256.Signing.PrivateKey())
        }
        let key = P256.Signing.PrivateKey()
        let leaf = try identity.issue(.identity(node, .init(key.publicKey), nowMilliseconds: now))
        #expect(throws: CertificateAuthorityError.notAnAuthority) {
            try CertificateAuthority(certificate: leaf, key: key)
        }
    }

    @Test(
        "Server names are DNS names and addresses",
        arguments: [
            ("localhost", true), ("verifier.example.net", true), ("127.0.0.1", true), ("::1", true),
            ("2001:db8::17", true),
            ("", false), ("a b", false), ("-a", false), ("256.0.0.1", false), ("1.2.3", false), ("::1::", false),
            ("*", false),
            ("a..b", false), ("1:2:3:4:5:6:7:8:9", false),
        ])
    func serverNames(_ text: String, _ isSound: Bool) { #expect((ServerName(text) != nil) == isSound) }

    @Test("TA-21: the end of a certificate is announced 30, 7 and 1 days before, each once")
    func certificateEnd() {
        let day: Int64 = 24 * 60 * 60 * 1000
        func due(_ left: Int64, _ announced: Int?) -> Int? {
            CertificateEnd.due(notAfterMilliseconds: now + left, nowMilliseconds: now, announced: announced)?.days
        }
        #expect(due(31 * day, nil) == nil)
        #expect(due(30 * day, nil) == 30)
        #expect(due(8 * day, 30) == nil)
        #expect(due(7 * day, 30) == 7)
        #expect(due(2 * day, 7) == nil)
        #expect(due(day, 7) == 1)
        #expect(due(-day, 7) == 1)
        #expect(due(-day, 1) == nil)
        #expect(due(2 * day, nil) == 7)
        #expect(CertificateEnd.thresholds.map(\.severity) == [.medium, .high, .critical])
    }
}

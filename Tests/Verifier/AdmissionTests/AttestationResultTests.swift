import Admission
import AttestationMessages
import ByteParsing
import Crypto
import Foundation
import Testing
import VerifierService
import X509

@Suite("Attestation results for consumers")
struct AttestationResultTests {
    private static let issuedAt: Int64 = 1_800_000_000
    private static let node = NodeID("n1")!

    private struct Fixture {
        var key = P256.Signing.PrivateKey()
        var bootKey = P256.Signing.PrivateKey()
        var signer: AttestationResultSigner

        init(previous: P256.Signing.PublicKey? = nil) async throws {
            signer = try await AttestationResultSigner(
                authority: try CertificateAuthority.create(
                    .admission, instance: "test", key: P256.Signing.PrivateKey(), nowMilliseconds: issuedAt * 1000),
                issuer: "urn:test", build: "1", key: key, previous: previous)
        }

        func token(audience: String = "mano", node: NodeID = AttestationResultTests.node) async throws -> String {
            try await signer.attestationResult(
                AdmissionStatement(
                    node: node, audience: audience, decision: .admit, reason: nil, verdictID: "v1",
                    tiers: ["firmware": "affirming", "kernel": "warning"], akName: "000b00", resetCount: 3,
                    restartCount: 1, bootKeySPKI: Array(bootKey.publicKey.derRepresentation), referenceSet: "r@1",
                    labMode: true, issuedAtMilliseconds: issuedAt * 1000))
        }

        var verifier: AttestationResultVerifier {
            AttestationResultVerifier(keySet: signer.keySet, issuer: "urn:test", audience: "mano")
        }

        func check(
            _ token: String, node: NodeID = AttestationResultTests.node, at now: Int64 = issuedAt + 1,
            used: Set<String> = []
        )
            -> AttestationResultError?
        {
            do throws(AttestationResultError) {
                _ = try verifier.verify(token, node: node, nowSeconds: now, usedTokenIDs: used)
                return nil
            } catch { return error }
        }

        /// A token with another header and payload, signed by `sign`.
        static func forge(_ header: String, _ payload: String, _ sign: ([UInt8]) throws -> [UInt8]) rethrows -> String {
            let input = "\(Base64URL.encode(Array(header.utf8))).\(payload)"
            return "\(input).\(Base64URL.encode(try sign(Array(input.utf8))))"
        }
    }

    @Test("AD-09: an EAR says what was decided: decision, tiers, AK, counters, boot key, reference status")
    func claims() async throws {
        let fixture = try await Fixture()
        let claims = try fixture.verifier.verify(
            try await fixture.token(), node: Self.node, nowSeconds: Self.issuedAt + 1, usedTokenIDs: [])
        #expect(claims.subject == "n1" && claims.audience == "mano" && claims.issuer == "urn:test")
        #expect(claims.expiresAt - claims.issuedAt == 60)
        #expect(claims.admission.decision == .admit && claims.admission.verdictID == "v1")
        #expect(claims.admission.resetCount == 3 && claims.admission.restartCount == 1 && claims.admission.labMode)
        #expect(claims.submodules.mapValues(\.status) == ["firmware": "affirming", "kernel": "warning"])
        #expect(
            claims.confirmation?.jwk.publicKey?.rawRepresentation == fixture.bootKey.publicKey.rawRepresentation)
    }

    @Test("AD-09: a token with any bit of any part changed is refused")
    func flipped() async throws {
        let fixture = try await Fixture()
        let token = Array(try await fixture.token().utf8)
        for position in token.indices {
            var forged = token
            forged[position] ^= 1
            #expect(fixture.check(String(decoding: forged, as: UTF8.self)) != nil, "byte \(position)")
        }
        for length in 0..<token.count {
            #expect(fixture.check(String(decoding: token.prefix(length), as: UTF8.self)) != nil)
        }
    }

    @Test("AD-09: alg none, HS256 keyed with the public key, an unknown key and an unknown crit are refused")
    func algorithms() async throws {
        let fixture = try await Fixture()
        let token = try await fixture.token()
        let payload = String(token.split(separator: ".")[1])
        let kid = fixture.signer.keySet.keys[0].kid ?? ""
        let none = Fixture.forge("{\"alg\":\"none\",\"kid\":\"\(kid)\"}", payload) { _ in [] }
        #expect(fixture.check(none) == .algorithm("none"))
        let hmac = Fixture.forge("{\"alg\":\"HS256\",\"kid\":\"\(kid)\"}", payload) { input in
            let secret = SymmetricKey(data: Array(fixture.key.publicKey.pemRepresentation.utf8))
            return Array(HMAC<SHA256>.authenticationCode(for: input, using: secret))
        }
        #expect(fixture.check(hmac) == .algorithm("HS256"))
        let stranger = P256.Signing.PrivateKey()
        let unknown = try Fixture.forge("{\"alg\":\"ES256\",\"kid\":\"x\"}", payload) {
            Array(try stranger.signature(for: $0).rawRepresentation)
        }
        #expect(fixture.check(unknown) == .unknownKey)
        let impostor = try Fixture.forge("{\"alg\":\"ES256\",\"kid\":\"\(kid)\"}", payload) {
            Array(try stranger.signature(for: $0).rawRepresentation)
        }
        #expect(fixture.check(impostor) == .signature)
        let critical = try Fixture.forge("{\"alg\":\"ES256\",\"kid\":\"\(kid)\",\"crit\":[\"x\"]}", payload) {
            Array(try fixture.key.signature(for: $0).rawRepresentation)
        }
        #expect(fixture.check(critical) == .algorithm("ES256"))
    }

    @Test("AD-09: another audience, another node, a used id, a token from the future are refused")
    func claimsRefused() async throws {
        let fixture = try await Fixture()
        #expect(fixture.check(try await fixture.token(audience: "other")) == .claims("aud"))
        #expect(fixture.check(try await fixture.token(), node: NodeID("n2")!) == .claims("sub"))
        let token = try await fixture.token()
        let claims = try fixture.verifier.verify(
            token, node: Self.node, nowSeconds: Self.issuedAt + 1, usedTokenIDs: [])
        #expect(fixture.check(token, used: [claims.tokenID]) == .reused)
        #expect(fixture.check(token, at: Self.issuedAt - 6) == .claims("iat"))
        #expect(fixture.check(token, at: Self.issuedAt - 5) == nil)
    }

    @Test("AD-07: an answer that a consumer keeps ends after 60 s: then it refuses, verifier or not")
    func expiry() async throws {
        let fixture = try await Fixture()
        let token = try await fixture.token()
        #expect(fixture.check(token, at: Self.issuedAt + 59) == nil)
        #expect(fixture.check(token, at: Self.issuedAt + 60) == .expired)
        #expect(fixture.check(token, at: .max) == .expired)
    }

    @Test("After a rotation both keys are served, old tokens verify, and new ones carry the new key's id")
    func rotation() async throws {
        let fixture = try await Fixture()
        let old = try await fixture.token()
        let fresh = P256.Signing.PrivateKey()
        try await fixture.signer.rotate(to: fresh, previous: fixture.key.publicKey)
        #expect(fixture.signer.keySet.keys.count == 2)
        #expect(fixture.check(old) == nil)
        let new = try await fixture.token()
        #expect(fixture.check(new) == nil)
        #expect(new.split(separator: ".")[0] != old.split(separator: ".")[0])
        let json = String(decoding: try fixture.signer.keySet.json(), as: UTF8.self)
        #expect(!json.contains("\"d\"") && json.contains("ES256"))
    }
}

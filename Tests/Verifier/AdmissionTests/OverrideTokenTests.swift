import Admission
import AttestationMessages
import ByteParsing
import Crypto
import Testing
import VerifierService

@Suite("Override token")
struct OverrideTokenTests {
    private static let now: Int64 = 1_700_000_000
    private let key = P256.Signing.PrivateKey()
    private let node: NodeID
    private let signer: AttestationResultSigner

    init() async throws {
        node = try #require(NodeID("n1"))
        signer = try await Self.signer(key)
    }

    private static func signer(_ key: P256.Signing.PrivateKey) async throws -> AttestationResultSigner {
        let authority = try CertificateAuthority.create(
            .admission, instance: "test", key: P256.Signing.PrivateKey(), nowMilliseconds: now * 1000)
        return try await AttestationResultSigner(
            authority: authority, issuer: "urn:test", build: "1", key: key, previous: nil)
    }

    private func statement(hours: Int64 = 4, approvedBy: String = "bob") -> OverrideStatement {
        OverrideStatement(
            overrideID: "o1", node: node, akName: "000baa", site: "berlin", proposedBy: "ada", approvedBy: approvedBy,
            labMode: false, endsAtMilliseconds: (Self.now + hours * 3600) * 1000 + 999,
            issuedAtMilliseconds: Self.now * 1000)
    }

    private func refusal(
        _ token: String, issuer: String = "urn:test", site: String? = "berlin", node: String = "n1",
        akName: String = "000baa", now: Int64 = now, keySet: JSONWebKeySet? = nil
    ) throws -> AttestationResultError? {
        let verifier = OverrideTokenVerifier(keySet: keySet ?? signer.keySet, issuer: issuer, site: site)
        let node = try #require(NodeID(node))
        do throws(AttestationResultError) {
            _ = try verifier.verify(token, node: node, akName: akName, nowSeconds: now)
            return nil
        } catch { return error }
    }

    @Test("AD-11: the token holds offline for its AK name, node and site, until its end, and says who approved")
    func bound() async throws {
        let token = try await signer.overrideToken(statement())
        let claims = try OverrideTokenVerifier(keySet: signer.keySet, issuer: "urn:test", site: "berlin")
            .verify(token, node: node, akName: "000baa", nowSeconds: Self.now)
        #expect(claims.tokenID == "o1" && claims.override.proposedBy == "ada" && claims.override.approvedBy == "bob")
        #expect(claims.expiresAt == Self.now + 4 * 3600)
        #expect(try refusal(token, now: Self.now + 4 * 3600 - 1) == nil)
        #expect(try refusal(token, now: Self.now + 4 * 3600) == .expired)
        #expect(try refusal(token, now: Self.now - 6) == .claims("iat"))
        #expect(try refusal(token, issuer: "urn:other") == .claims("iss"))
        #expect(try refusal(token, site: "paris") == .claims("site"))
        #expect(try refusal(token, site: nil) == .claims("site"))
        #expect(try refusal(token, node: "n2") == .claims("sub"))
        #expect(try refusal(token, akName: "000bab") == .claims("akName"))
        #expect(try refusal(token, keySet: try await Self.signer(P256.Signing.PrivateKey()).keySet) == .unknownKey)
    }

    @Test("AD-11: a token over 24 h, or of one person outside lab mode, is refused although it is signed")
    func overlong() async throws {
        #expect(try refusal(try await signer.overrideToken(statement(hours: 25))) == .expired)
        let own = try await signer.overrideToken(statement(approvedBy: "ada"))
        #expect(try refusal(own) == .claims("approvedBy"))
    }

    @Test("AD-11: no part of the token may be changed, cut or left out, nor the algorithm named otherwise")
    func tampered() async throws {
        let token = try await signer.overrideToken(statement())
        let parts = token.split(separator: ".").map(String.init)
        for cut in stride(from: 0, to: token.count, by: 3) {
            #expect(try refusal(String(token.prefix(cut))) != nil)
        }
        let payload = String(decoding: try #require(Base64URL.decode(parts[1])), as: UTF8.self)
        let forged = Base64URL.encode(Array(payload.replacing("berlin", with: "paris").utf8))
        #expect(try refusal("\(parts[0]).\(forged).\(parts[2])", site: "paris") == .signature)
        let unsigned = Base64URL.encode(Array(#"{"alg":"none","kid":"x","typ":"bootgate-override+jwt"}"#.utf8))
        #expect(try refusal("\(unsigned).\(parts[1]).") == .algorithm("none"))
        #expect(try refusal(token + ".") == .malformed("not three parts"))
    }

    @Test("AD-11: an EAR is no override token and an override token is no EAR; the EAR ends with the override")
    func kinds() async throws {
        var override = statement()
        override.endsAtMilliseconds = (Self.now + 20) * 1000
        let ear = try await signer.attestationResult(
            AdmissionStatement(
                node: node, audience: "mano", decision: .admit, reason: "ADM_OVERRIDE", verdictID: nil, tiers: [:],
                akName: "000baa", resetCount: nil, restartCount: nil, bootKeySPKI: nil, referenceSet: nil,
                labMode: false, issuedAtMilliseconds: Self.now * 1000, override: override))
        #expect(try refusal(ear) == .claims("typ"))
        let verifier = AttestationResultVerifier(keySet: signer.keySet, issuer: "urn:test", audience: "mano")
        let claims = try verifier.verify(ear, node: node, nowSeconds: Self.now, usedTokenIDs: [])
        #expect(claims.expiresAt == Self.now + 20)
        #expect(claims.admission.override?.approvedBy == "bob" && claims.admission.override?.until == Self.now + 20)
        let token = try await signer.overrideToken(override)
        #expect(throws: AttestationResultError.claims("typ")) {
            try verifier.verify(token, node: node, nowSeconds: Self.now, usedTokenIDs: [])
        }
    }
}

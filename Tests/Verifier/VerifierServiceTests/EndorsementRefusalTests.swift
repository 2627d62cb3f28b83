import AttestationMessages
import AttestationTestKit
import ByteParsing
import Crypto
import Endorsements
import Foundation
import JSONCoding
import SecurityEvents
import TPMCryptography
import TPMStructures
import Testing
import VerifierService
import X509

/// Keys and certificates that an enrollment is refused for: 422, one audit record, the alarm of the row.
@Suite("Refused keys and certificates")
struct EndorsementRefusalTests {
    struct BadKey: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var code: String
        var level: SecurityEventSeverity
        var edit: @Sendable (inout SoftwareNode) throws -> Void
    }

    private static func ecc(_ area: TPMTPublic, _ edit: (inout TPMTPublic.ECC) -> Void) -> TPMTPublic {
        var area = area
        guard case .ecc(var key) = area.key else { return area }
        edit(&key)
        area.key = .ecc(key)
        return area
    }

    private static func rsa(_ edit: (inout TPMTPublic.RSA) -> Void) throws -> SoftwareAK {
        var ak = try SoftwareAK.rsa2048()
        guard case .rsa(var key) = ak.publicArea.key else { return ak }
        edit(&key)
        ak.publicArea.key = .rsa(key)
        return ak
    }

    static let keys = [
        BadKey(testDescription: "ID-04: an AK that signs anything", code: "ID_AK_ATTRS", level: .high) {
            $0.ak.publicArea.attributes.remove(.restricted)
        },
        BadKey(testDescription: "ID-04: an imported AK", code: "ID_AK_ATTRS", level: .high) {
            $0.ak.publicArea.attributes.subtract([.fixedTPM, .fixedParent, .sensitiveDataOrigin])
        },
        BadKey(testDescription: "ID-05: an RSA-1024 AK", code: "ID_AK_WEAK", level: .medium) {
            $0.ak = try rsa {
                $0.keyBits = 1024
                $0.modulus = Array($0.modulus.prefix(127)) + [1]
                $0.modulus += []
            }
        },
        BadKey(testDescription: "ID-05: a SHA-1 scheme", code: "ID_AK_WEAK", level: .medium) {
            $0.ak.publicArea = ecc($0.ak.publicArea) { $0.scheme = TPMTAsymScheme(.ecdsa, .sha1) }
        },
        BadKey(testDescription: "ID-07: a point off its curve", code: "ID_AK_MALFORMED", level: .medium) {
            $0.ak.publicArea = ecc($0.ak.publicArea) { $0.x[5] ^= 1 }
        },
        BadKey(testDescription: "ID-07: the point at infinity", code: "ID_AK_MALFORMED", level: .medium) {
            $0.ak.publicArea = ecc($0.ak.publicArea) {
                $0.x = [UInt8](repeating: 0, count: 32)
                $0.y = $0.x
            }
        },
        BadKey(testDescription: "ID-12: a modulus of the ROCA shape", code: "ID_KEY_ROCA", level: .high) {
            $0.ak = try rsa { $0.modulus = rocaModulus }
        },
        BadKey(testDescription: "ID-16: an even modulus", code: "ID_AK_MALFORMED", level: .medium) {
            $0.ak = try rsa { $0.modulus[255] &= 0xFE }
        },
        BadKey(testDescription: "ID-16: the exponent 1", code: "ID_AK_MALFORMED", level: .medium) {
            $0.ak = try rsa { $0.exponent = 1 }
        },
    ]

    /// 65,537 to the power of 123,457 modulo M, and a multiple of M on it, M the product of the primes to 167: 2,048 bits,
    /// made with Python.
    private static let rocaModulus =
        Hex.decode(
            "d4be9e219c3b90a21390bcdd5558646ffbdfec3f5364a11658575ae7828e2b0adf7654734c27725b9592fea65c792246"
                + "65c11c1b25b486ec204a0850b99a0eb61abec22458ef8269e3b16cd3771cb332d136ddbed20b244ca56a275081891244"
                + "1e410110eead96cf7688cdc5063e89c95f128dc86e43d7d17b8833a89c13d18a29b79db1e90405e2f81b57662f0ec110"
                + "1279276de4ec5df33076da60539540a0e4c384f055fd96b9bc51da536fef05e65f5b5ab8b18cbecfebcb25ae41f263cd"
                + "e1b8d4daa331527f6a264cda81fc3d7cb3f5f5e59596f85c61c8291cd0a6ddfd5a74163d05786f0d168cea25e3ca02bf"
                + "dfd7511cb39d7c5b2b6da2ffe111d291") ?? []

    @Test("ID-04, ID-05, ID-07, ID-12, ID-16: a key that is no sound AK is a 422 with its alarm", arguments: keys)
    func key(_ row: BadKey) async throws {
        let bench = try await VerifierTestBench(references: false)
        var node = try SoftwareNode("n1")
        try row.edit(&node)
        let body = try node.enrollmentBody()
        let peer = node.enrollmentPeer
        try await bench.expectRefusal(.invalid, row.code, row.level) {
            _ = try await bench.enrollment.enroll(body, peer: peer)
        }
    }

    @Test("ID-06: a key type that disagrees with the rest of its area is a 422 with its alarm")
    func mixedType() async throws {
        let bench = try await VerifierTestBench(references: false)
        let node = try SoftwareNode("n1")
        var request = try StrictJSON.decode(EnrollmentRequest.self, from: try node.enrollmentBody())
        var area = request.akPublic.bytes
        // TPM_ALG_ECC becomes TPM_ALG_RSA.
        area[0] = 0
        area[1] = 1
        request.akPublic = WireBytes(area)
        let body = try StrictJSON.encode(request)
        try await bench.expectRefusal(.invalid, "ID_AK_MALFORMED", .medium) {
            _ = try await bench.enrollment.enroll(body, peer: node.enrollmentPeer)
        }
    }

    // MARK: Certificates

    struct BadCertificate: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var code: String
        var level: SecurityEventSeverity
        var make: @Sendable (Scene, SoftwareNode) throws -> [UInt8]
    }

    struct Scene: Sendable {
        let authority: EKCertificateAuthority
        let stranger: EKCertificateAuthority
        init() throws {
            authority = try EKCertificateAuthority.root()
            stranger = try EKCertificateAuthority.root()
        }
        func issue(_ node: SoftwareNode, _ edit: (inout EKCertificateAuthority.Profile) -> Void = { _ in }) throws
            -> [UInt8]
        {
            var profile = EKCertificateAuthority.Profile()
            edit(&profile)
            return try authority.issue(spki: SubjectPublicKey(node.ek.publicArea).spki, profile)
        }
    }

    static let certificates = [
        BadCertificate(testDescription: "ID-08: of another TPM", code: "ID_EK_CERT_KEY", level: .high) { scene, _ in
            try scene.issue(SoftwareNode("other"))
        },
        BadCertificate(testDescription: "ID-09: of another CA", code: "ID_EK_CHAIN", level: .high) { scene, node in
            try scene.stranger.issue(spki: SubjectPublicKey(node.ek.publicArea).spki)
        },
        BadCertificate(testDescription: "ID-10: without its usage", code: "ID_EK_CERT_PROFILE", level: .medium) {
            try $0.issue($1) { $0.usages = nil }
        },
        BadCertificate(testDescription: "ID-11: of a model on the deny-list", code: "ID_TPM_BLOCKED", level: .high) {
            try $0.issue($1) { $0.manufacturer = "id:49465800" }
        },
        BadCertificate(testDescription: "ID-13: expired", code: "ID_EK_CERT_EXPIRED", level: .medium) {
            try $0.issue($1) { $0.notAfter = EKCertificateAuthority.epoch.addingTimeInterval(-60) }
        },
        BadCertificate(testDescription: "ID-15: that does not read", code: "ID_EK_CERT_PARSE", level: .medium) {
            try $0.issue($1).dropLast() + [1, 2]
        },
    ]

    @Test(
        "ID-08 to ID-11, ID-13, ID-15: an EK certificate that does not hold is a 422 with its alarm",
        arguments: certificates)
    func certificate(_ row: BadCertificate) async throws {
        let bench = try await VerifierTestBench(references: false)
        let scene = try Scene()
        let denied = try #require(TPMDenyList.Entry(manufacturer: "id:49465800", reason: "ROCA"))
        let service = EnrollmentService(
            store: bench.store,
            endorsements: EKCertificateChecking(
                roots: [try EKCertificate(der: scene.authority.der)], intermediates: [],
                denyList: TPMDenyList([denied]),
                revocationLists: [], checksDates: true, acceptsSHA1: false),
            issuer: StubIdentityIssuer(), policy: bench.policy)
        let node = try SoftwareNode("n1")
        var request = try StrictJSON.decode(EnrollmentRequest.self, from: try node.enrollmentBody())
        request.ekCertificates = [WireBytes(try scene.issue(node))]
        _ = try await service.enroll(try StrictJSON.encode(request), peer: node.enrollmentPeer)
        request.ekCertificates = [WireBytes(try row.make(scene, node))]
        let body = try StrictJSON.encode(request)
        try await bench.expectRefusal(.invalid, row.code, row.level) {
            _ = try await service.enroll(body, peer: node.enrollmentPeer)
        }
    }
}

import AttestationMessages
import AttestationTestKit
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

    /// 65,537 to the power of 127.
    private static let rocaModulus: [UInt8] = {
        var product = [UInt8](repeating: 0, count: 255) + [1]
        for _ in 0..<127 {
            var carry = 0
            product = product.reversed().map { digit -> UInt8 in
                carry += Int(digit) * 65_537
                defer { carry >>= 8 }
                return UInt8(carry & 0xFF)
            }.reversed()
        }
        return product
    }()

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

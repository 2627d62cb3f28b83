import AttestationTestKit
import ByteParsing
import Endorsements
import Foundation
import SwiftASN1
import TPMCryptography
import TPMStructures
import TestVectors
import Testing
import X509

/// A manufacturer with an intermediate CA, and the EK that it vouches for.
struct EndorsementScene {
    let root: EKCertificateAuthority
    let issuer: EKCertificateAuthority
    let ek = SoftwareEK.p256()

    init() throws {
        root = try EKCertificateAuthority.root()
        issuer = try root.intermediate()
    }

    static let now: Int64 = 1_750_000_000

    func spki() throws -> [UInt8] { try SubjectPublicKey(ek.publicArea).spki }

    func policy(
        roots: [EKCertificate]? = nil, intermediates: [EKCertificate]? = nil, denyList: TPMDenyList = .empty,
        revocationLists: [OpenSSLRevocationList] = [], validity: EKCertificatePolicy.Validity = .mustHold(at: now)
    ) throws -> EKCertificatePolicy {
        EKCertificatePolicy(
            roots: try roots ?? [EKCertificate(der: root.der)],
            intermediates: try intermediates ?? [EKCertificate(der: issuer.der)], denyList: denyList,
            revocationLists: revocationLists, validity: validity, acceptsSHA1: false)
    }

    /// The reason codes of an endorsement, or none for one that passes.
    func codes(
        _ profile: EKCertificateAuthority.Profile = .init(), by authority: EKCertificateAuthority? = nil,
        policy: EKCertificatePolicy? = nil, sent: [EKCertificate] = []
    ) throws -> [String] {
        let certificate = try EKCertificate(der: (authority ?? issuer).issue(spki: spki(), profile))
        return try codes(certificate, policy: policy, sent: sent)
    }

    func codes(
        _ certificate: EKCertificate, policy: EKCertificatePolicy? = nil, sent: [EKCertificate] = []
    ) throws -> [String] {
        let policy = try policy ?? self.policy()
        let key = try EndorsementKey(ek.publicArea)
        do throws(EndorsementRefusal) {
            let endorsed = try policy.endorse(key, certificate: certificate, sentIssuers: sent)
            #expect(endorsed.trust == .certified)
            return []
        } catch { return error.codes }
    }
}

@Suite struct EKCertificateTests {
    let scene: EndorsementScene
    init() throws { scene = try EndorsementScene() }

    @Test("ID-10: a certificate with an empty subject and a critical alternative name passes")
    func honest() throws {
        #expect(try scene.codes() == [])
        let certificate = try EKCertificate(der: scene.issuer.issue(spki: scene.spki()))
        #expect(certificate.subject == "")
        #expect(
            certificate.tpm
                == TPMIdentification(manufacturer: "id:00001014", model: "swtpm", version: "id:20191023"))
        let report = try scene.policy().inspect(certificate, sentIssuers: [])
        #expect(report.chain == .valid)
        #expect(report.issuers == ["CN=Test TPM EK CA", "CN=Test TPM Root CA"])
        #expect(report.findings.isEmpty)
    }

    @Test("ID-08: the certificate of another TPM is refused")
    func otherKey() throws {
        let other = try SubjectPublicKey(SoftwareEK.p256().publicArea).spki
        let certificate = try EKCertificate(der: scene.issuer.issue(spki: other))
        #expect(try scene.codes(certificate) == ["ID_EK_CERT_KEY"])
    }

    @Test("ID-09: a CA that is not in the operator's set is refused, also when its certificates are sent along")
    func otherRoot() throws {
        let stranger = try EKCertificateAuthority.root()
        #expect(try scene.codes(by: stranger) == ["ID_EK_CHAIN"])
        let sent = [try EKCertificate(der: stranger.der)]
        #expect(try scene.codes(by: stranger, sent: sent) == ["ID_EK_CHAIN"])
        let withoutRoots = try scene.policy(roots: [])
        #expect(try scene.codes(policy: withoutRoots) == ["ID_EK_CHAIN"])
        let certificate = try EKCertificate(der: scene.issuer.issue(spki: scene.spki()))
        #expect(withoutRoots.inspect(certificate, sentIssuers: []).chain == .unchecked)
    }

    @Test("An issuer that came with the evidence completes the chain")
    func sentIssuer() throws {
        let policy = try scene.policy(intermediates: [])
        #expect(try scene.codes(policy: policy) == ["ID_EK_CHAIN"])
        #expect(try scene.codes(policy: policy, sent: [EKCertificate(der: scene.issuer.der)]) == [])
    }

    @Test("ID-10: a leaf that breaks the EK profile is refused")
    func profile() throws {
        var variants: [EKCertificateAuthority.Profile] = []
        func add(_ edit: (inout EKCertificateAuthority.Profile) throws -> Void) rethrows {
            var profile = EKCertificateAuthority.Profile()
            try edit(&profile)
            variants.append(profile)
        }
        add { $0.usages = nil }
        add { $0.usages = [[1, 3, 6, 1, 5, 5, 7, 3, 1]] }
        add { $0.isAuthority = true }
        add { $0.manufacturer = nil }
        add { $0.isAlternativeNameCritical = false }
        add { $0.keyUsage = KeyUsage(digitalSignature: true) }
        add { $0.extra = [Certificate.Extension(oid: [1, 2, 3, 4], critical: true, value: [5, 0])] }
        for (index, profile) in variants.enumerated() {
            #expect(try scene.codes(profile) == ["ID_EK_CERT_PROFILE"], "variant \(index)")
        }
    }

    @Test("ID-10: an intermediate that is no CA, may not sign, or is too deep is refused")
    func constraints() throws {
        for issuer in [
            try scene.root.intermediate(isAuthority: false),
            try scene.root.intermediate(keyUsage: KeyUsage(digitalSignature: true)),
        ] {
            let policy = try scene.policy(intermediates: [EKCertificate(der: issuer.der)])
            #expect(try scene.codes(by: issuer, policy: policy) == ["ID_EK_CERT_PROFILE"])
        }
        let first = try scene.root.intermediate("A", maxPathLength: 0)
        let second = try first.intermediate("B")
        let policy = try scene.policy(intermediates: [EKCertificate(der: first.der), EKCertificate(der: second.der)])
        #expect(try scene.codes(by: second, policy: policy) == ["ID_EK_CERT_PROFILE"])
        #expect(try scene.codes(by: first, policy: policy) == [])
    }

    @Test("ID-10: chains of six certificates pass, of seven do not")
    func length() throws {
        var authority = scene.root
        var intermediates: [EKCertificate] = []
        for depth in 1...5 {
            authority = try authority.intermediate("CA \(depth)")
            intermediates.append(try EKCertificate(der: authority.der))
            let policy = try scene.policy(intermediates: intermediates)
            #expect(try scene.codes(by: authority, policy: policy) == (depth < 5 ? [] : ["ID_EK_CHAIN"]))
        }
    }

    @Test("ID-11: a deny-listed manufacturer, model, firmware or issuer is blocked")
    func denied() throws {
        for entry in [
            TPMDenyList.Entry(manufacturer: "id:00001014", reason: "x"), .init(model: "swtpm", reason: "x"),
            .init(manufacturer: "id:00001014", firmware: "id:20191023", reason: "x"),
            .init(issuer: "CN=Test TPM EK CA", reason: "x"), .init(issuer: "CN=Test TPM Root CA", reason: "x"),
        ] {
            let policy = try scene.policy(denyList: TPMDenyList([try #require(entry)]))
            #expect(try scene.codes(policy: policy) == ["ID_TPM_BLOCKED"])
        }
        let other = try #require(TPMDenyList.Entry(manufacturer: "id:00001014", model: "other", reason: "x"))
        #expect(try scene.codes(policy: scene.policy(denyList: TPMDenyList([other]))) == [])
        #expect(TPMDenyList.Entry(reason: "matches everything") == nil)
    }

    @Test("ID-11: a serial number on its issuer's revocation list is blocked; another issuer's list says nothing")
    func revoked() throws {
        let certificate = try EKCertificate(der: scene.issuer.issue(spki: scene.spki()))
        let serial = try #require(Hex.decode(certificate.serialNumber))
        let list = try OpenSSLRevocationList(der: scene.issuer.revocationList([[1], serial]))
        #expect(try scene.codes(certificate, policy: scene.policy(revocationLists: [list])) == ["ID_TPM_BLOCKED"])
        let impostor = try scene.root.intermediate()
        for other in [
            try impostor.revocationList([serial]), try scene.root.revocationList([serial]),
            try scene.issuer.revocationList([[1]]), try scene.issuer.revocationList([]),
        ] {
            let list = try OpenSSLRevocationList(der: other)
            #expect(try scene.codes(certificate, policy: scene.policy(revocationLists: [list])) == [])
        }
        let bytes = try scene.issuer.revocationList([serial])
        for count in 0..<bytes.count {
            #expect(throws: ParsingError.self) { try OpenSSLRevocationList(der: Array(bytes.prefix(count))) }
        }
        #expect(throws: ParsingError.self) { try OpenSSLRevocationList(der: bytes + [0]) }
    }

    @Test("A revocation list's entries say when and why; what does not read refuses the list")
    func revocationEntries() throws {
        func list(_ entries: RevocationListWriter.Entry...) throws -> OpenSSLRevocationList {
            try OpenSSLRevocationList(der: scene.issuer.revocationList(of: entries))
        }
        typealias Revocation = OpenSSLRevocationList.Revocation
        let epoch: Int64 = 1_700_000_000
        let read = try list(
            .init([1]), .init([0x80, 2], reason: [1]), .init([3], reason: [4], invalidSince: "20200101000000Z"))
        #expect(
            read.revocations == [
                [1]: Revocation(at: epoch), [0x80, 2]: Revocation(at: epoch, reason: 1),
                [3]: Revocation(at: epoch, invalidSince: 1_577_836_800, reason: 4),
            ])
        #expect(read.revocations.mapValues(\.start) == [[1]: epoch, [0x80, 2]: epoch, [3]: 1_577_836_800])
        #expect(read.revocations.filter(\.value.isCompromise).keys.map(\.self) == [[0x80, 2]])
        for reason in [1, 2, 10] as [UInt8] {
            #expect(try list(.init([1], reason: [reason])).revocations[[1]]?.isCompromise == true)
        }
        for reason in [0, 3, 4, 5, 6, 8, 9] as [UInt8] {
            #expect(try list(.init([1], reason: [reason])).revocations[[1]]?.isCompromise == false)
        }
        // Of two entries of one certificate the worse one counts, whichever comes first.
        let mild = RevocationListWriter.Entry([1], at: EKCertificateAuthority.epoch.addingTimeInterval(-60))
        let bad = RevocationListWriter.Entry([1], reason: [1])
        #expect(try list(mild, bad).revocations[[1]]?.isCompromise == true)
        #expect(try list(bad, mild).revocations[[1]]?.isCompromise == true)
        #expect(try list(.init([1]), mild).revocations[[1]]?.at == epoch - 60)
        #expect(throws: ParsingError.self) { try list(.init([1], reason: [])) }
        #expect(throws: ParsingError.self) { try list(.init([1], invalidSince: "yesterday")) }
    }

    @Test("ID-13: expired and future certificates are refused when dates must hold; the year 9999 is read")
    func dates() throws {
        var expired = EKCertificateAuthority.Profile()
        expired.notAfter = EKCertificateAuthority.epoch.addingTimeInterval(60)
        #expect(try scene.codes(expired) == ["ID_EK_CERT_EXPIRED"])
        #expect(try scene.codes(expired, policy: scene.policy(validity: .ignored)) == [])
        var future = EKCertificateAuthority.Profile()
        future.notBefore = Date(timeIntervalSince1970: Double(EndorsementScene.now + 60))
        #expect(try scene.codes(future) == ["ID_EK_CERT_EXPIRED"])
        var endless = EKCertificateAuthority.Profile()
        endless.notAfter = Date(timeIntervalSince1970: 253_402_300_799)
        #expect(try scene.codes(endless) == [])
        let certificate = try EKCertificate(der: scene.issuer.issue(spki: scene.spki(), endless))
        #expect(certificate.notAfter == 253_402_300_799)
    }

    @Test("ID-15: bytes after the certificate are refused, the padding of an NV index is not")
    func padding() throws {
        let der = try scene.issuer.issue(spki: scene.spki())
        for filler in [0, 0xFF] as [UInt8] {
            let padded = der + [UInt8](repeating: filler, count: 512)
            #expect(try EKCertificate(nvContent: padded).der == der)
            #expect(throws: ParsingError.self) { try EKCertificate(der: padded) }
        }
        #expect(throws: ParsingError.self) { try EKCertificate(nvContent: der + [0, 0xFF]) }
        #expect(throws: ParsingError.self) { try EKCertificate(nvContent: der + [1]) }
        #expect(throws: ParsingError.self) { try EKCertificate(nvContent: [UInt8](repeating: 0xFF, count: 1_024)) }
    }

    @Test("ID-15: every cut is refused, and 5,000 mutants neither crash nor pass")
    func mutants() throws {
        let der = try scene.issuer.issue(spki: scene.spki())
        let policy = try scene.policy()
        let key = try EndorsementKey(scene.ek.publicArea)
        for count in 0..<der.count {
            #expect(throws: ParsingError.self) { try EKCertificate(der: Array(der.prefix(count))) }
        }
        var random = SystemRandomNumberGenerator()
        for _ in 0..<5_000 {
            var bytes = der
            let position = Int.random(in: 0..<bytes.count, using: &random)
            bytes[position] = bytes[position] &+ UInt8.random(in: 1...255, using: &random)
            guard let mutant = try? EKCertificate(der: bytes) else { continue }
            #expect(throws: EndorsementRefusal.self, "byte \(position)") {
                try policy.endorse(key, certificate: mutant, sentIssuers: [])
            }
        }
    }

    /// swtpm's certificates, and where the corpus is here those of STMicroelectronics and Google's virtual TPM.
    @Test("ID-15: 100,000 mutants of real EK certificates are refused by the parser or by their chain")
    func realMutants() throws {
        func pem(_ name: String) throws -> [EKCertificate] {
            try EKCertificate.certificates(
                pem: String(decoding: TestVectors.bytes("measured-boot/ek/\(name)"), as: UTF8.self))
        }
        let policy = EKCertificatePolicy(
            roots: try pem("swtpm-localca-rootca-cert.pem"), intermediates: try pem("issuercert.pem"), denyList: .empty,
            revocationLists: [], validity: .ignored, acceptsSHA1: false)
        var originals = try ["ekrsa.der", "ekecc.der"].map { try TestVectors.bytes("measured-boot/ek/\($0)") }
        for original in originals {
            #expect(policy.inspect(try EKCertificate(der: original), sentIssuers: []).chain == .valid)
        }
        if let corpus = TestVectors.corpus {
            for name in ["stm-ek-nuc1.pem", "gce-ek-ecc.pem", "gce-ek-rsa.pem"] {
                let text = String(decoding: try corpus.bytes("ekcerts/\(name)"), as: UTF8.self)
                originals += try EKCertificate.certificates(pem: text).map(\.der)
            }
        }
        var random = SeededGenerator(seed: 15)
        var parsed = 0
        for round in 0..<100_000 {
            let mutant = Self.mutant(of: originals[round % originals.count], &random)
            guard let certificate = try? EKCertificate(nvContent: mutant) else { continue }
            parsed += 1
            // One in a few parses: each of those costs a signature check.
            if certificate.der != originals[round % originals.count] {
                #expect(policy.inspect(certificate, sentIssuers: []).chain != .valid, "round \(round)")
            }
        }
        #expect(parsed < 100_000)
    }

    /// One to three edits: a byte, a bit, a run cut out, a run repeated, a length field's neighbour, padding behind.
    private static func mutant(of original: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
        var bytes = original
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            let position = Int.random(in: 0..<bytes.count, using: &random)
            let run = position..<min(bytes.count, position + Int.random(in: 1...16, using: &random))
            switch Int.random(in: 0..<6, using: &random) {
            case 0: bytes[position] = UInt8.random(in: 0...255, using: &random)
            case 1: bytes[position] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case 2: bytes[position] = [0, 0x7F, 0x80, 0x81, 0x82, 0x84, 0xFF].randomElement(using: &random) ?? 0
            case 3 where bytes.count > 64: bytes.removeSubrange(run)
            case 4: bytes.insert(contentsOf: bytes[run], at: position)
            default: bytes += [UInt8](repeating: [0, 0xFF].randomElement(using: &random) ?? 0, count: run.count)
            }
        }
        return bytes
    }

    @Test("ID-15: more than 64 names are refused")
    func names() throws {
        var profile = EKCertificateAuthority.Profile()
        profile.alternativeNames = (0..<70).map { .dnsName("n\($0).example") }
        let der = try scene.issuer.issue(spki: scene.spki(), profile)
        #expect(throws: ParsingError.self) { try EKCertificate(der: der) }
    }

    @Test("ID-14: addresses in a certificate change nothing")
    func addresses() throws {
        var profile = EKCertificateAuthority.Profile()
        profile.extra = [
            try Certificate.Extension(
                AuthorityInformationAccess([
                    .init(method: .issuingCA, location: .uniformResourceIdentifier("http://127.0.0.1:1/ca"))
                ]), critical: false)
        ]
        #expect(try scene.codes(profile) == [])
    }
}

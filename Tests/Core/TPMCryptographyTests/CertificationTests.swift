import AttestationTestKit
import ByteParsing
import TPMCryptography
import TPMStructures
import Testing

@Suite struct CertificationTests {
    let ak = SoftwareAK.p256()
    let transcript = [UInt8](repeating: 9, count: 32)

    static func nodeKey() -> TPMTPublic {
        var area = SoftwareAK.p256().publicArea
        area.attributes = [.fixedTPM, .fixedParent, .sensitiveDataOrigin, .userWithAuth, .noDA, .sign]
        if case .ecc(var key) = area.key {
            key.scheme = .null
            area.key = .ecc(key)
        }
        return area
    }

    private func codes(
        _ signed: SignedAttest, _ area: TPMTPublic, role: CertifiedKeyRole = .node
    ) throws -> [String] {
        let certification = try UnverifiedCertification(attest: signed.attest, signature: signed.signature)
        let key = try AttestationKey(ak.publicArea)
        do throws(CertificationRefusal) {
            _ = try certification.verify(
                with: key,
                expecting: CertificationExpectation(
                    role: role, publicArea: area, extraData: transcript, signers: [ak.qualifiedName]))
            return []
        } catch { return error.codes }
    }

    private func certify(
        _ area: TPMTPublic, under parent: TPM2BName = .ownerHierarchy, extraData: [UInt8]? = nil,
        edit: (inout TPMSAttest) -> Void = { _ in }
    ) throws -> SignedAttest {
        try ak.certify(area, under: parent, extraData: extraData ?? transcript, edit: edit)
    }

    @Test("ID-28: a key made in the TPM passes, as node key and as boot key of the NULL hierarchy")
    func honest() throws {
        let area = Self.nodeKey()
        #expect(try codes(certify(area), area) == [])
        #expect(try codes(certify(area, under: .nullHierarchy), area, role: .boot) == [])
    }

    @Test(
        "ID-28: an imported, movable, restricted or decrypting key is refused",
        arguments: [
            TPMAObject.fixedTPM, .fixedParent, .sensitiveDataOrigin, .sign, .restricted, .decrypt,
        ])
    func attributes(changed: TPMAObject) throws {
        var area = Self.nodeKey()
        area.attributes.formSymmetricDifference(changed)
        #expect(try codes(certify(area), area) == ["ID_NODE_KEY_ATTRS"])
    }

    @Test("ID-28: another certified key, kind, magic or signature is refused")
    func others() throws {
        let area = Self.nodeKey()
        #expect(try codes(certify(Self.nodeKey()), area) == ["ID_NODE_KEY_ATTRS"])
        #expect(try codes(certify(area) { $0.magic = 1 }, area) == ["ID_NODE_KEY_ATTRS"])
        let creation = try certify(area) { $0.attested = .other(kind: TPMSAttest.Kind.creation, [0, 0, 0, 0]) }
        #expect(try codes(creation, area) == ["ID_NODE_KEY_ATTRS"])
        var forged = try certify(area)
        forged.signature[20] ^= 1
        #expect(try codes(forged, area) == ["ID_NODE_KEY_ATTRS"])
    }

    @Test("ID-28: a boot key outside the NULL hierarchy is refused")
    func bootHierarchy() throws {
        let area = Self.nodeKey()
        #expect(try codes(certify(area), area, role: .boot) == ["ID_NODE_KEY_ATTRS"])
    }

    @Test("ID-20: a certification made for another transcript is refused")
    func otherTranscript() throws {
        let area = Self.nodeKey()
        #expect(try codes(certify(area, extraData: [1]), area) == ["ID_CHANNEL_BINDING"])
    }

    @Test("QF-17: an AK under another hierarchy is refused")
    func hierarchy() throws {
        let area = Self.nodeKey()
        let signed = try certify(area) { $0.qualifiedSigner = TPM2BName(.zero(.sha256)) }
        #expect(try codes(signed, area) == ["ID_AK_HIERARCHY"])
    }
}

import ByteParsing
import ESAPI
import SoftwareTPM
import TPMCryptography
import TPMStructures
import Testing

@Suite("Keys of a TPM", .enabled(if: SoftwareTPM.isAvailable, "needs swtpm and swtpm-tools"))
struct KeyTests {
    @Test(
        "The EK that our template makes is the one that the manufacturer made",
        arguments: [
            EndorsementKeyKind.rsa2048, .eccP384,
        ])
    func templates(kind: EndorsementKeyKind) async throws {
        let swtpm = try SoftwareTPM()
        let tpm = try await TPM.open(tcti: swtpm.tcti)
        let manufactured = try await tpm.endorsementKey(kind)
        try await tpm.evict(kind.persistentHandle)
        let made = try await tpm.endorsementKey(kind)
        #expect(made.name == manufactured.name && made.qualifiedName == manufactured.qualifiedName)
        try await expectNothingLoaded(in: swtpm, after: tpm)
    }

    @Test("A TPM without EKs gets each kind made from its template, once", arguments: EndorsementKeyKind.allCases)
    func unprovisioned(kind: EndorsementKeyKind) async throws {
        let swtpm = try SoftwareTPM(.unprovisioned)
        let tpm = try await TPM.open(tcti: swtpm.tcti)
        #expect(try await tpm.defaultEndorsementKeyKind() == .rsa2048)
        #expect(try await tpm.endorsementCertificates(kind) == nil)
        let ek = try await tpm.endorsementKey(kind)
        _ = try EndorsementKey(ek.parsed)
        #expect(try await tpm.endorsementKey(kind) == ek)
        #expect(try await tpm.defaultEndorsementKeyKind() == kind)
        let ak = try await tpm.signingKey(.attestationP256, at: TPM.attestationKeyHandle)
        let secret = [UInt8](1...32)
        #expect(try await tpm.activate(challenge(secret, for: ek, name: ak.name), ek: ek, ak: ak) == secret)
        try await expectNothingLoaded(in: swtpm, after: tpm)
    }

    @Test("EK certificates are read from NV and hold the EK's key", arguments: [EndorsementKeyKind.rsa2048, .eccP384])
    func certificates(kind: EndorsementKeyKind) async throws {
        let swtpm = try SoftwareTPM()
        let tpm = try await TPM.open(tcti: swtpm.tcti)
        #expect(try await tpm.defaultEndorsementKeyKind() == .rsa2048)
        let ek = try await tpm.endorsementKey(kind)
        let certificates = try #require(try await tpm.endorsementCertificates(kind))
        #expect(hasInfix(try EndorsementKey(ek.parsed).publicKey.spki, in: certificates.certificate))
        #expect(certificates.chain.isEmpty)
        try await expectNothingLoaded(in: swtpm, after: tpm)
    }

    @Test("Issuers' certificates are read from the chain indices, whole and in order")
    func chain() async throws {
        let swtpm = try SoftwareTPM()
        let first = [UInt8]([0x30, 0x82, 0x04, 0x00]) + [UInt8](repeating: 1, count: 1_024)
        let second = [UInt8]([0x30, 0x03, 0x02, 0x01, 0x05])
        // One stream over two indices, cut inside the first certificate, with filling after the last.
        let stream = first + second + [0xFF, 0xFF]
        for (index, part) in [("0x1c00100", stream[..<700]), ("0x1c00101", stream[700...])] {
            try swtpm.directory.write(part, to: "part")
            try swtpm.tool(
                "tpm2_nvdefine",
                [
                    index, "-C", "o", "-s", String(part.count), "-a", "ownerwrite|authread|ownerread|no_da",
                ])
            try swtpm.tool("tpm2_nvwrite", [index, "-C", "o", "-i", "part"])
        }
        let tpm = try await TPM.open(tcti: swtpm.tcti)
        #expect(try await tpm.endorsementCertificates(.rsa2048)?.chain == [first, second])
    }

    @Test(
        "Keys of the agent are made once, have the right attributes and are those of an AK to the verifier",
        arguments: [SigningKeyTemplate.attestationP256, .attestationRSA2048])
    func signingKeys(template: SigningKeyTemplate) async throws {
        let swtpm = try SoftwareTPM()
        let tpm = try await TPM.open(tcti: swtpm.tcti)
        let ak = try await tpm.signingKey(template, at: TPM.attestationKeyHandle)
        #expect(ak.handle == 0x8101_0020)
        #expect(try await tpm.signingKey(template, at: TPM.attestationKeyHandle) == ak)
        #expect(
            ak.parsed.attributes == [
                .fixedTPM, .fixedParent, .sensitiveDataOrigin, .userWithAuth, .noDA, .restricted, .sign,
            ])
        let verifiers = try AttestationKey(ak.parsed)
        #expect(verifiers.name.bytes == ak.name)
        #expect(ak.parsed.qualifiedName(under: .endorsementHierarchy)?.bytes == ak.qualifiedName)
        let node = try await tpm.signingKey(.node, at: TPM.nodeKeyHandle)
        #expect(
            node.parsed.attributes == [.fixedTPM, .fixedParent, .sensitiveDataOrigin, .userWithAuth, .noDA, .sign])
        #expect(node.name != ak.name)
        try await expectNothingLoaded(in: swtpm, after: tpm)
    }

    @Test("A key that was lost comes back as the same key")
    func derived() async throws {
        let swtpm = try SoftwareTPM()
        let tpm = try await TPM.open(tcti: swtpm.tcti)
        let ak = try await tpm.signingKey(.attestationP256, at: TPM.attestationKeyHandle)
        try await tpm.evict(TPM.attestationKeyHandle)
        try await tpm.evict(TPM.attestationKeyHandle)
        #expect(try await tpm.signingKey(.attestationP256, at: TPM.attestationKeyHandle) == ak)
        // TPM2_Clear empties the owner and endorsement hierarchies but keeps the endorsement seed.
        await tpm.close()
        try swtpm.tool("tpm2_clear", [])
        #expect(try await tpm.signingKey(.attestationP256, at: TPM.attestationKeyHandle).name == ak.name)
    }

    @Test("A handle that holds another key is refused and left alone")
    func occupied() async throws {
        let swtpm = try SoftwareTPM()
        let tpm = try await TPM.open(tcti: swtpm.tcti)
        let node = try await tpm.signingKey(.node, at: TPM.attestationKeyHandle)
        let error = try await #require(throws: TPMError.self) {
            try await tpm.signingKey(.attestationP256, at: TPM.attestationKeyHandle)
        }
        guard case .handleOccupied(0x8101_0020, _) = error.reason else { return #expect(Bool(false), "\(error)") }
        #expect(try await tpm.signingKey(.node, at: TPM.attestationKeyHandle) == node)
        // A key that is no EK at the EK's handle.
        try await tpm.evict(EndorsementKeyKind.rsa2048.persistentHandle)
        _ = try await tpm.signingKey(.node, at: EndorsementKeyKind.rsa2048.persistentHandle)
        await #expect(throws: TPMError.self) { try await tpm.endorsementKey(.rsa2048) }
        try await expectNothingLoaded(in: swtpm, after: tpm)
    }

    @Test("A lookalike of the AK in the owner hierarchy is refused")
    func ownerLookalike() async throws {
        let swtpm = try SoftwareTPM()
        // The template's unique field is free, so the public areas are alike.
        try swtpm.tool(
            "tpm2_createprimary",
            [
                "-C", "o", "-G", "ecc256:ecdsa-sha256:null", "-c", "k.ctx", "-a",
                "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|noda|restricted|sign",
            ])
        try swtpm.tool("tpm2_evictcontrol", ["-C", "o", "-c", "k.ctx", "0x81010020"])
        let tpm = try await TPM.open(tcti: swtpm.tcti)
        let error = try await #require(throws: TPMError.self) {
            try await tpm.signingKey(.attestationP256, at: TPM.attestationKeyHandle)
        }
        #expect(error.description.contains("endorsement hierarchy"))
    }

    @Test("What a killed predecessor left in the TPM's slots is flushed at the start")
    func leftovers() async throws {
        let swtpm = try SoftwareTPM()
        for number in 0..<3 {
            try swtpm.tool("tpm2_createprimary", ["-C", "n", "-G", "ecc256", "-c", "left\(number).ctx"])
        }
        try swtpm.tool("tpm2_startauthsession", ["-S", "session.ctx", "--policy-session"])
        #expect(try swtpm.tool("tpm2_getcap", ["handles-transient"]).split(separator: "\n").count == 3)
        let tpm = try await TPM.open(tcti: swtpm.tcti)
        _ = try await tpm.signingKey(.attestationP256, at: TPM.attestationKeyHandle)
        try await expectNothingLoaded(in: swtpm, after: tpm)
    }

    @Test("No key under TPM_RH_NULL is persisted")
    func bootKeyIsNotPersisted() async throws {
        let swtpm = try SoftwareTPM()
        let tpm = try await TPM.open(tcti: swtpm.tcti)
        await #expect(throws: TPMError.self) { try await tpm.signingKey(.boot, at: 0x8101_0022) }
    }
}

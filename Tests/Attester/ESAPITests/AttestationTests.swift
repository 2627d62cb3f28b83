import ByteParsing
import ESAPI
import SoftwareTPM
import TPMCryptography
import TPMStructures
import Testing

@Suite("Quotes, credentials and signatures", .enabled(if: SoftwareTPM.isAvailable, "needs swtpm and swtpm-tools"))
struct AttestationTests {
    static let banks: Set<PCRBank> = [.sha1, .sha256, .sha384, .sha512]

    @Test(
        "Both EK kinds of swtpm activate a credential made for either AK",
        arguments: [EndorsementKeyKind.rsa2048, .eccP384],
        [SigningKeyTemplate.attestationP256, .attestationRSA2048])
    func activation(kind: EndorsementKeyKind, template: SigningKeyTemplate) async throws {
        let swtpm = try SoftwareTPM()
        let tpm = try await TPM.open(tcti: swtpm.tcti)
        let ek = try await tpm.endorsementKey(kind)
        let ak = try await tpm.signingKey(template, at: TPM.attestationKeyHandle)
        let secret = [UInt8](7..<39)
        #expect(try await tpm.activate(challenge(secret, for: ek, name: ak.name), ek: ek, ak: ak) == secret)
        try await expectNothingLoaded(in: swtpm, after: tpm)
    }

    @Test(
        "ID-03: a credential for the EK of one TPM and the AK of another gives 0x1DF",
        arguments: [EndorsementKeyKind.rsa2048, .eccP384])
    func foreignAttestationKey(kind: EndorsementKeyKind) async throws {
        let first = try SoftwareTPM()
        let second = try SoftwareTPM(.unprovisioned)
        let tpm = try await TPM.open(tcti: first.tcti)
        let other = try await TPM.open(tcti: second.tcti)
        let ek = try await tpm.endorsementKey(kind)
        let ak = try await tpm.signingKey(.attestationP256, at: TPM.attestationKeyHandle)
        let foreign = try await other.signingKey(.attestationP256, at: TPM.attestationKeyHandle)
        #expect(foreign.name != ak.name)
        let error = try await #require(throws: TPMError.self) {
            try await tpm.activate(challenge([UInt8](1...32), for: ek, name: foreign.name), ek: ek, ak: ak)
        }
        #expect(error.response == TPMResponseCode(rawValue: 0x1DF) && error.command == "TPM2_ActivateCredential")
        #expect(error.failedFlush == nil)
        try await expectNothingLoaded(in: first, after: tpm)
    }

    @Test(
        "AG-13: the recovered secret never crosses the connection in clear",
        arguments: [EndorsementKeyKind.rsa2048, .eccP384])
    func secretOnTheWire(kind: EndorsementKeyKind) async throws {
        let swtpm = try SoftwareTPM()
        let proxy = try FaultProxy(swtpm)
        let tpm = try await TPM.open(tcti: proxy.tcti)
        let ek = try await tpm.endorsementKey(kind)
        let ak = try await tpm.signingKey(.attestationP256, at: TPM.attestationKeyHandle)
        let secret: [UInt8] = (0..<32).map { _ in .random(in: 0...255) }
        let made = try challenge(secret, for: ek, name: ak.name)
        proxy.startRecording()
        #expect(try await tpm.activate(made, ek: ek, ak: ak) == secret)
        let messages = proxy.stopRecording()
        #expect(messages.contains { $0.count > 10 && Array($0[6..<10]) == [0, 0, 1, 0x47] })
        #expect(!messages.contains { hasInfix(secret, in: $0) || hasInfix(Array(secret.prefix(8)), in: $0) })
        guard kind == .eccP384 else { return }
        // The same activation without such a session, to show that the recording would see it.
        var file = ByteWriter()
        file.writeBigEndian(UInt32(0xBADC_C0DE))
        file.writeBigEndian(UInt32(1))
        file.writeSized(made.credentialBlob)
        file.writeSized(made.encryptedSecret)
        let work = try TemporaryDirectory()
        try work.write(file.bytes, to: "credential")
        proxy.startRecording()
        try runProcessSuccessfully(
            "tpm2_activatecredential",
            ["-c", "0x81010020", "-C", "0x81010016", "-i", work.file("credential"), "-o", work.file("secret")],
            environment: proxy.toolEnvironment)
        #expect(proxy.stopRecording().contains { hasInfix(secret, in: $0) })
    }

    @Test(
        "A quote over all banks is verified and the values read make its digest",
        arguments: [SigningKeyTemplate.attestationP256, .attestationRSA2048])
    func quote(template: SigningKeyTemplate) async throws {
        let swtpm = try SoftwareTPM()
        try swtpm.extend(pcr: 8, digest: [UInt8](repeating: 0xAB, count: 32))
        let tpm = try await TPM.open(tcti: swtpm.tcti)
        let ek = try EndorsementKey(await tpm.endorsementKey(.rsa2048).parsed)
        let ak = try await tpm.signingKey(template, at: TPM.attestationKeyHandle)
        let key = try AttestationKey(ak.parsed)
        let selection = TPMLPCRSelection(.all, banks: Self.banks)
        let made = try await tpm.quote(by: ak.handle, selection: selection, qualifyingData: [UInt8](0..<32))
        let expectation = QuoteExpectation(
            extraData: [UInt8](0..<32), selection: selection, signers: Set(key.qualifiedNames(under: ek.publicArea)))
        let quote = try UnverifiedQuote(attest: made.attest, signature: made.signature)
            .verify(with: key, expecting: expectation)
        let values = try await tpm.readPCRs(selection)
        for bank in Self.banks { #expect(values.banks[bank]?.count == 24) }
        let attested = try quote.attest(values)
        #expect(attested[.sha256, try #require(PCRIndex(8))] != .zero(.sha256))
        let clock = try await tpm.readClock().clock
        #expect(quote.clock.resetCount == clock.resetCount && quote.clock.restartCount == clock.restartCount)
        try await expectNothingLoaded(in: swtpm, after: tpm)
    }

    @Test("QF-17: an AK of the owner hierarchy signs masked counters; ours signs them in clear")
    func maskedCounters() async throws {
        let swtpm = try SoftwareTPM()
        try swtpm.tool(
            "tpm2_createprimary",
            [
                "-C", "o", "-G", "ecc256:ecdsa-sha256:null", "-c", "ak.ctx", "-a",
                "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|restricted|sign",
            ])
        try swtpm.tool("tpm2_quote", ["-c", "ak.ctx", "-l", "sha256:0", "-m", "quote", "-s", "signature"])
        let masked = try TPMSAttest(marshalled: swtpm.directory.read("quote"))
        let tpm = try await TPM.open(tcti: swtpm.tcti)
        let ak = try await tpm.signingKey(.attestationP256, at: TPM.attestationKeyHandle)
        let clear = try TPMSAttest(
            marshalled: await tpm.quote(
                by: ak.handle, selection: TPMLPCRSelection(.all, banks: [.sha256]), qualifyingData: []
            ).attest)
        let clock = try await tpm.readClock().clock
        #expect(masked.clockInfo.resetCount != clock.resetCount)
        #expect(masked.qualifiedSigner.bytes != ak.qualifiedName)
        #expect(clear.clockInfo.resetCount == clock.resetCount)
        #expect(clear.qualifiedSigner.bytes == ak.qualifiedName)
        #expect(clear.qualifiedSigner == ak.parsed.qualifiedName(under: .endorsementHierarchy))
    }

    @Test("The AK certifies the node key and the boot key as the verifier demands")
    func certification() async throws {
        let swtpm = try SoftwareTPM()
        let tpm = try await TPM.open(tcti: swtpm.tcti)
        let ek = try EndorsementKey(await tpm.endorsementKey(.eccP384).parsed)
        let ak = try await tpm.signingKey(.attestationP256, at: TPM.attestationKeyHandle)
        let key = try AttestationKey(ak.parsed)
        let signers = Set(key.qualifiedNames(under: ek.publicArea))
        let node = try await tpm.signingKey(.node, at: TPM.nodeKeyHandle)
        let data = [UInt8](repeating: 9, count: 32)
        let certified = try await tpm.certify(node.handle, by: ak.handle, qualifyingData: data)
        _ = try UnverifiedCertification(attest: certified.attest, signature: certified.signature).verify(
            with: key,
            expecting: CertificationExpectation(role: .node, publicArea: node.parsed, extraData: data, signers: signers)
        )
        let boot = try await tpm.certifyBootKey(by: ak.handle, qualifyingData: data)
        let bootArea = try TPMTPublic(tpmtPublic: boot.publicArea)
        _ = try UnverifiedCertification(
            attest: boot.certification.attest, signature: boot.certification.signature
        ).verify(
            with: key,
            expecting: CertificationExpectation(role: .boot, publicArea: bootArea, extraData: data, signers: signers))
        try await expectNothingLoaded(in: swtpm, after: tpm)
    }

    @Test(
        "OpenSSL verifies the DER signatures of node key and boot key",
        .enabled(if: isInstalled("openssl"), "needs openssl"))
    func signatures() async throws {
        let swtpm = try SoftwareTPM()
        let tpm = try await TPM.open(tcti: swtpm.tcti)
        let ak = try await tpm.signingKey(.attestationP256, at: TPM.attestationKeyHandle)
        let node = try await tpm.signingKey(.node, at: TPM.nodeKeyHandle)
        let boot = try await tpm.certifyBootKey(by: ak.handle, qualifyingData: [])
        for round: UInt8 in 0..<20 {
            // Twenty, so that integers with and without a leading zero octet occur.
            let digest = [UInt8](repeating: round, count: 32)
            try verify(try await tpm.sign(digest: digest, with: node.handle), digest, node.parsed)
            try verify(
                try await tpm.signWithBootKey(digest: digest), digest, try TPMTPublic(tpmtPublic: boot.publicArea))
        }
        // A restricted key signs no digest that the TPM has not made itself.
        await #expect(throws: TPMError.self) {
            try await tpm.sign(digest: [UInt8](repeating: 1, count: 32), with: ak.handle)
        }
        try await expectNothingLoaded(in: swtpm, after: tpm)
    }

    private func verify(_ signature: [UInt8], _ digest: [UInt8], _ area: TPMTPublic) throws {
        let work = try TemporaryDirectory()
        try work.write(SubjectPublicKey(area).pem.utf8, to: "key")
        try work.write(signature, to: "signature")
        try work.write(digest, to: "digest")
        try runProcessSuccessfully(
            "openssl",
            [
                "pkeyutl", "-verify", "-pubin", "-inkey", work.file("key"), "-sigfile", work.file("signature"), "-in",
                work.file("digest"),
            ])
    }

    @Test("Properties, banks and random bytes are read")
    func properties() async throws {
        let swtpm = try SoftwareTPM()
        let tpm = try await TPM.open(tcti: swtpm.tcti)
        let properties = try await tpm.properties()
        #expect(properties.manufacturer == "IBM" && properties.vendorString.hasPrefix("SW"))
        #expect(properties.firmwareVersion != 0 && !properties.inLockout)
        #expect(try await tpm.pcrBanks() == Dictionary(uniqueKeysWithValues: Self.banks.map { ($0, PCRSet.all) }))
        #expect(try await tpm.random(32).count == 32)
        await #expect(throws: TPMError.self) { try await tpm.random(33) }
    }

    @Test("A bank that is switched off is listed without registers, and the quote shows it empty")
    func unallocatedBank() async throws {
        let swtpm = try SoftwareTPM()
        try swtpm.tool("tpm2_pcrallocate", ["sha1:none+sha256:all+sha384:none+sha512:none"])
        swtpm.stop()
        try swtpm.start()
        let tpm = try await TPM.open(tcti: swtpm.tcti)
        let banks = try await tpm.pcrBanks()
        #expect(banks[.sha256] == .all && banks[.sha384] == PCRSet())
        let selection = TPMLPCRSelection(.all, banks: Self.banks)
        let ak = try await tpm.signingKey(.attestationP256, at: TPM.attestationKeyHandle)
        let quote = try await tpm.quote(by: ak.handle, selection: selection, qualifyingData: [])
        guard case .quote(let info) = try TPMSAttest(marshalled: quote.attest).attested else {
            return #expect(Bool(false))
        }
        #expect(info.pcrSelect == selection.limited(toAllocated: [.sha256]))
        #expect(try await tpm.readPCRs(selection).banks[.sha384] == nil)
    }
}

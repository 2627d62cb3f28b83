import AttestationTestKit
import ByteParsing
import SoftwareTPM
import TPMCryptography
import TPMStructures
import Testing

@Suite struct PCRArithmeticTests {
    @Test("Extending is hashing value and digest, in every bank", arguments: HashAlgorithm.allCases)
    func extend(bank: HashAlgorithm) throws {
        var state = PCRState(.zero(bank))
        var value = Digest.zero(bank)
        for index in 0..<100 {
            let digest = MessageDigest.hash([UInt8(index)], bank)
            let done = state.extend(with: digest)
            #expect(done)
            value = MessageDigest.hash(value.bytes + digest.bytes, bank)
            #expect(state.value == value)
        }
        #expect(TPMCryptography.extend(.zero(bank), with: .ones(bank)) != nil)
    }

    @Test("A digest of another bank changes nothing")
    func otherBank() {
        var state = PCRState(.ones(.sha256))
        let done = state.extend(with: .zero(.sha1))
        #expect(!done)
        #expect(state.value == .ones(.sha256))
        #expect(TPMCryptography.extend(.zero(.sha1), with: .zero(.sha256)) == nil)
    }

    @Test("Digests are those of the published examples")
    func knownDigests() {
        let abc = Array("abc".utf8)
        #expect(MessageDigest.hash(abc, .sha1).hex == "a9993e364706816aba3e25717850c26c9cd0d89d")
        #expect(
            MessageDigest.hash(abc, .sm3).hex == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0")
        #expect(
            MessageDigest.hash([], .sha256).hex == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    }

    @Test("A missing register makes no composite digest")
    func missing() {
        #expect(PCRValues().compositeDigest(TPMLPCRSelection(.all, banks: [.sha256]), .sha256) == nil)
    }
}

@Suite struct KeyDerivationTests {
    @Test("HMAC-SHA-256 is RFC 4231's, also with an empty key")
    func hmac() {
        let result = MessageAuthentication.hmacSHA256(
            key: Array("Jefe".utf8), Array("what do ya want for nothing?".utf8))
        #expect(Hex.encode(result) == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
        #expect(
            Hex.encode(MessageAuthentication.hmacSHA256(key: [], []))
                == "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad")
    }

    @Test("ID-17: secrets are equal only when every byte is")
    func constantTime() {
        #expect(MessageAuthentication.constantTimeEqual([1, 2], [1, 2]))
        #expect(MessageAuthentication.constantTimeEqual([], []))
        #expect(!MessageAuthentication.constantTimeEqual([1, 2], [1, 3]))
        #expect(!MessageAuthentication.constantTimeEqual([1, 2], [1, 2, 3]))
    }

    @Test("Derived keys have the asked length and depend on every input")
    func derived() {
        let base = KeyDerivation.kdfa(.sha256, key: [1], label: "A", contextU: [2], contextV: [3], bits: 384)
        #expect(base.count == 48)
        #expect(base != KeyDerivation.kdfa(.sha256, key: [1], label: "A", contextU: [2], contextV: [4], bits: 384))
        #expect(KeyDerivation.kdfe(.sha384, z: [1], use: "A", partyU: [], partyV: [], bits: 128).count == 16)
    }
}

@Suite struct CredentialTests {
    let secret: [UInt8] = (1...32).map { UInt8($0) }

    @Test("ID-03: an ECC EK opens a credential for the named AK and for no other key")
    func ecc() throws {
        var random = SystemRandomNumberGenerator()
        let ak = try #require(SoftwareAK.p256().publicArea.name)
        let other = try #require(SoftwareAK.p256().publicArea.name)
        for ek in [SoftwareEK.p256(), .p384()] {
            let challenge = try CredentialChallenge(
                secret, for: ak, to: EndorsementKey(ek.publicArea), using: &random)
            #expect(try ek.activate(challenge, for: ak) == secret)
            #expect(try ek.activate(challenge, for: other) == nil)
            let again = try CredentialChallenge(
                secret, for: ak, to: EndorsementKey(ek.publicArea), using: &random)
            #expect(again != challenge)
        }
    }

    @Test("A secret that is empty or longer than the EK's hash is refused")
    func sizes() throws {
        var random = SystemRandomNumberGenerator()
        let key = try EndorsementKey(SoftwareEK.p256().publicArea)
        for size in [0, 33] {
            #expect(throws: EndorsementKeyRefusal.self) {
                try CredentialChallenge(
                    [UInt8](repeating: 1, count: size), for: .endorsementHierarchy, to: key, using: &random)
            }
        }
    }

    @Test("EKs of other kinds are refused by name")
    func unsupported() throws {
        var area = SoftwareEK.p256().publicArea
        guard case .ecc(var ecc) = area.key else { return }
        ecc.symmetric = .cipher(.camellia, keyBits: 128, mode: .cfb)
        area.key = .ecc(ecc)
        do throws(EndorsementKeyRefusal) {
            _ = try EndorsementKey(area)
            Issue.record("an EK over Camellia was taken")
        } catch { #expect(error.codes == ["ID_EK_UNSUPPORTED"]) }
        var signing = SoftwareEK.p256().publicArea
        signing.attributes.insert(.sign)
        signing.attributes.remove(.fixedTPM)
        do throws(EndorsementKeyRefusal) { _ = try EndorsementKey(signing) } catch {
            #expect(error.codes == ["ID_EK_ATTRS"])
        }
    }

    @Test(
        "ID-03: swtpm opens our credential with both of its EKs, and only for the named AK",
        .enabled(if: SoftwareTPM.isAvailable && isInstalled("tpm2_activatecredential"), "needs swtpm and tpm2-tools"),
        arguments: ["0x81010001", "0x81010016"])
    func realTPM(handle: String) throws {
        let tpm = try SoftwareTPM()
        let folder = tpm.directory
        func run(_ tool: String, _ arguments: [String]) throws -> ProcessResult {
            defer { _ = try? runProcess("tpm2_flushcontext", ["-t"], environment: tpm.toolEnvironment) }
            return try runProcess(tool, arguments, environment: tpm.toolEnvironment, workingDirectory: folder.path)
        }
        func must(_ tool: String, _ arguments: [String]) throws {
            let result = try run(tool, arguments)
            #expect(result.status == 0, "\(tool): \(String(decoding: result.stderr, as: UTF8.self))")
        }
        try must("tpm2_readpublic", ["-c", handle, "-o", "ek.pub"])
        try must(
            "tpm2_createak",
            ["-C", handle, "-c", "ak.ctx", "-G", "ecc", "-g", "sha256", "-s", "ecdsa", "-u", "ak.pub", "-n", "ak.name"])
        let ek = try EndorsementKey(TPMTPublic(tpm2bPublic: folder.read("ek.pub")))
        let ak = try AttestationKey(TPMTPublic(tpm2bPublic: folder.read("ak.pub")))
        let name = try folder.read("ak.name")
        #expect(ak.name.bytes == name)

        func activate(_ name: TPM2BName) throws -> ProcessResult {
            var random = SystemRandomNumberGenerator()
            let challenge = try CredentialChallenge(secret, for: name, to: ek, using: &random)
            // tpm2-tools' container: magic, version, TPM2B_ID_OBJECT, TPM2B_ENCRYPTED_SECRET.
            var file = ByteWriter()
            file.writeBigEndian(0xBADC_C0DE as UInt32)
            file.writeBigEndian(1 as UInt32)
            file.writeSized(challenge.credentialBlob)
            file.writeSized(challenge.encryptedSecret)
            try folder.write(file.bytes, to: "blob")
            var arguments = ["-c", "ak.ctx", "-C", handle, "-i", "blob", "-o", "secret"]
            if !ek.publicArea.attributes.contains(.userWithAuth) {
                try must("tpm2_startauthsession", ["--policy-session", "-S", "session.ctx"])
                try must("tpm2_policysecret", ["-S", "session.ctx", "-c", "e"])
                arguments += ["-P", "session:session.ctx"]
            }
            return try run("tpm2_activatecredential", arguments)
        }
        #expect(try activate(ak.name).status == 0)
        #expect(try folder.read("secret") == secret)
        let stranger = try #require(SoftwareAK.p256().publicArea.name)
        #expect(try activate(stranger).status != 0)
    }
}

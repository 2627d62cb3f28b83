import AttestationTestKit
import ByteParsing
import TPMCryptography
import TPMStructures
import TestVectors
import Testing

/// A software AK, its register values, and what a verifier expects of its quote.
struct QuoteScene: Sendable {
    let ak: SoftwareAK
    let nonce: [UInt8] = (0..<32).map { UInt8($0 * 7) }
    let selection = TPMLPCRSelection(PCRSet([0, 1, 7, 14].compactMap { PCRIndex($0) }), banks: [.sha1, .sha256])
    let values: PCRValues

    init(_ ak: SoftwareAK = .p256()) {
        self.ak = ak
        var values = PCRValues()
        for bank in [PCRBank.sha1, .sha256, .sha384] {
            for index in PCRIndex.all {
                values.set(MessageDigest.hash([index.rawValue], bank), bank: bank, index: index)
            }
        }
        self.values = values
    }

    var signers: Set<TPM2BName> { [ak.qualifiedName] }

    func expectation(selection: TPMLPCRSelection? = nil) -> QuoteExpectation {
        QuoteExpectation(extraData: nonce, selection: selection ?? self.selection, signers: signers)
    }

    func quote(
        extraData: [UInt8]? = nil, selection: TPMLPCRSelection? = nil, edit: (inout TPMSAttest) -> Void = { _ in }
    ) throws -> SignedAttest {
        try ak.quote(
            extraData: extraData ?? nonce, selection: selection ?? self.selection, values: values, edit: edit)
    }

    /// The reason codes of a quote, or none for one that passes.
    func codes(_ signed: SignedAttest, _ expectation: QuoteExpectation? = nil) throws -> [String] {
        let key = try AttestationKey(ak.publicArea)
        let quote = try UnverifiedQuote(attest: signed.attest, signature: signed.signature)
        do throws(QuoteRefusal) {
            _ = try quote.verify(with: key, expecting: expectation ?? self.expectation())
            return []
        } catch { return error.codes }
    }
}

@Suite struct QuoteVerificationTests {
    let scene = QuoteScene()

    @Test("An honest quote passes and binds the values of its registers")
    func honest() throws {
        for ak in [SoftwareAK.p256(), .p384(), try .rsa2048(), try .rsa2048(scheme: .rsapss)] {
            let scene = QuoteScene(ak)
            let signed = try scene.quote()
            let verified = try UnverifiedQuote(attest: signed.attest, signature: signed.signature)
                .verify(with: AttestationKey(ak.publicArea), expecting: scene.expectation())
            #expect(verified.clock.resetCount == 1)
            #expect(verified.signatureHash == ak.hash)
            let attested = try verified.attest(scene.values)
            let index = try #require(PCRIndex(7))
            #expect(attested[.sha256, index] == scene.values[.sha256, index])
            #expect(attested[.sha384, index] == nil, "a register that was not quoted is not attested")
        }
    }

    @Test("QF-01: without TPM_GENERATED_VALUE nothing else is looked at")
    func magic() throws {
        #expect(try scene.codes(scene.quote { $0.magic = 0x0054_4347 }) == ["QUOTE_MAGIC"])
        #expect(try scene.codes(scene.quote { $0.magic = 0 }) == ["QUOTE_MAGIC"])
        #expect(try scene.codes(scene.ak.signed([1, 2, 3, 4, 5])) == ["QUOTE_MAGIC"])
    }

    @Test(
        "QF-02: another kind of attestation is no quote",
        arguments: [0x8014, 0x8015, 0x8016, 0x8019, 0x801A] as [UInt16])
    func type(kind: UInt16) throws {
        let signed = try scene.quote { $0.attested = .other(kind: kind, [UInt8](repeating: 0, count: 40)) }
        #expect(try scene.codes(signed) == ["QUOTE_TYPE"])
    }

    @Test("QF-02: a certification with the nonce is no quote")
    func certification() throws {
        let signed = try scene.ak.certify(
            scene.ak.publicArea, under: .endorsementHierarchy, extraData: scene.nonce)
        #expect(try scene.codes(signed) == ["QUOTE_TYPE"])
    }

    @Test("QF-03: an empty PCR selection is refused, also where nothing is expected of it")
    func emptySelection() throws {
        let none = try #require(TPMLPCRSelection([]))
        let zero = TPMLPCRSelection(PCRSet(), banks: [.sha256])
        let offline = QuoteExpectation(offlineExtraData: nil, selection: nil, signers: nil)
        for selection in [none, zero] {
            let signed = try scene.quote(selection: selection)
            #expect(try scene.codes(signed).contains("QUOTE_PCR_SELECTION"))
            #expect(try scene.codes(signed, offline) == ["QUOTE_PCR_SELECTION"])
            #expect(try scene.codes(signed, scene.expectation(selection: selection)) == ["QUOTE_PCR_SELECTION"])
        }
    }

    @Test("QF-04: one register less, one more, or another bank is refused")
    func otherSelection() throws {
        let registers = try #require(scene.selection[.sha256])
        for dropped in registers.indices {
            let fewer = TPMLPCRSelection(PCRSet(registers.indices.filter { $0 != dropped }), banks: [.sha1, .sha256])
            #expect(try scene.codes(scene.quote(selection: fewer)) == ["QUOTE_PCR_SELECTION"])
        }
        var more = registers
        more.insert(try #require(PCRIndex(16)))
        for selection in [
            TPMLPCRSelection(more, banks: [.sha1, .sha256]), TPMLPCRSelection(registers, banks: [.sha256]),
            TPMLPCRSelection(registers, banks: [.sha1]), TPMLPCRSelection(registers, banks: [.sha1, .sha256, .sha384]),
            TPMLPCRSelection(registers, banks: [.sha1, .sha384]),
        ] { #expect(try scene.codes(scene.quote(selection: selection)) == ["QUOTE_PCR_SELECTION"]) }
        let reversed = try #require(TPMLPCRSelection(scene.selection.selections.reversed()))
        #expect(try scene.codes(scene.quote(selection: reversed)) == ["QUOTE_PCR_SELECTION"])
    }

    @Test("QF-05: a bank that is not allocated, or should not be, is named")
    func bankSet() throws {
        let cleared = scene.selection.limited(toAllocated: [.sha1])
        #expect(try scene.codes(scene.quote(selection: cleared)) == ["QUOTE_BANK_SET"])
        #expect(try scene.codes(scene.quote(), scene.expectation(selection: cleared)) == ["QUOTE_BANK_SET"])
        #expect(try scene.codes(scene.quote(selection: cleared), scene.expectation(selection: cleared)) == [])
        let nothing = scene.selection.limited(toAllocated: [])
        #expect(
            try Set(scene.codes(scene.quote(selection: nothing))) == ["QUOTE_BANK_SET", "QUOTE_PCR_SELECTION"])
    }

    @Test("QF-07: values that are not the signed ones, or a missing one, attest nothing")
    func values() throws {
        let signed = try scene.quote()
        let verified = try UnverifiedQuote(attest: signed.attest, signature: signed.signature)
            .verify(with: AttestationKey(scene.ak.publicArea), expecting: scene.expectation())
        for entry in scene.selection.selections {
            for index in entry.pcrs.indices {
                let value = try #require(scene.values[entry.bank, index])
                var bytes = value.bytes
                bytes[0] ^= 1
                var changed = scene.values
                changed.set(try #require(Digest(algorithm: entry.bank, bytes: bytes)), bank: entry.bank, index: index)
                #expect(throws: QuoteRefusal.self) { try verified.attest(changed) }
            }
        }
        #expect(throws: QuoteRefusal.self) { try verified.attest(PCRValues()) }
        do throws(QuoteRefusal) { _ = try verified.attest(PCRValues()) } catch {
            #expect(error.codes == ["QUOTE_PCR_DIGEST"])
        }
    }

    @Test("QF-08: a nonce that is wrong, empty, short, long, padded or turned around is refused")
    func nonce() throws {
        let nonce = scene.nonce
        for other in [
            [], Array(nonce.dropLast()), nonce + [0], Array(nonce.reversed()), [UInt8](repeating: 0, count: 32),
            [nonce[0] ^ 1] + nonce.dropFirst(),
        ] { #expect(try scene.codes(scene.quote(extraData: other)) == ["QUOTE_NONCE"]) }
    }

    @Test("QF-13: every flipped bit of signature and attest is refused")
    func flippedBits() throws {
        let signed = try scene.quote()
        for bit in 0..<signed.attest.count * 8 {
            var copy = signed
            copy.attest[bit / 8] ^= 1 << UInt8(bit % 8)
            expectRefused(copy, "attest bit \(bit)")
        }
        for bit in 0..<signed.signature.count * 8 {
            var copy = signed
            copy.signature[bit / 8] ^= 1 << UInt8(bit % 8)
            expectRefused(copy, "signature bit \(bit)")
        }
    }

    private func expectRefused(_ signed: SignedAttest, _ comment: Comment) {
        do {
            #expect(try !scene.codes(signed).isEmpty, comment)
        } catch {
            #expect(error is ParsingError, comment)
        }
    }

    @Test("QF-14: scheme and hash must be the key's")
    func signatureAlgorithm() throws {
        let rsa = QuoteScene(try .rsa2048())
        var pss = rsa.ak
        pss.scheme = .rsapss
        var signed = try rsa.quote()
        signed.signature = try pss.sign(signed.attest).marshalled
        #expect(try rsa.codes(signed) == ["QUOTE_SIG_ALG"])

        signed = try scene.quote()
        for hash in [HashAlgorithm.sha1, .sha384, .sha512, .sm3] {
            guard case .ecdsa(_, let r, let s) = try TPMTSignature(marshalled: signed.signature) else { return }
            var copy = signed
            copy.signature = TPMTSignature.ecdsa(hash, r: r, s: s).marshalled
            #expect(try scene.codes(copy) == ["QUOTE_SIG_ALG"])
        }
    }

    @Test("QF-14: a P-256 key with SHA-384 signs the digest cut to the curve")
    func truncatedDigest() throws {
        let scene = QuoteScene(.p256(hash: .sha384))
        #expect(try scene.codes(scene.quote()) == [])
    }

    @Test("QF-15: r or s of zero, of the order or above, or longer than the field is refused; the twin verifies")
    func signatureRange() throws {
        let order: [UInt8] = [
            0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xBC, 0xE6, 0xFA, 0xAD,
            0xA7, 0x17, 0x9E, 0x84, 0xF3, 0xB9, 0xCA, 0xC2, 0xFC, 0x63, 0x25, 0x51,
        ]
        let signed = try scene.quote()
        guard case .ecdsa(_, let r, let s) = try TPMTSignature(marshalled: signed.signature) else { return }
        for bad in [[], [0], [UInt8](repeating: 0, count: 32), order, [UInt8](repeating: 0xFF, count: 32), [1] + r] {
            for (left, right) in [(bad, s), (r, bad)] {
                var copy = signed
                copy.signature = TPMTSignature.ecdsa(.sha256, r: left, s: right).marshalled
                #expect(try scene.codes(copy) == ["QUOTE_SIGNATURE"])
            }
        }
        var borrow = 0
        let twin = zip(order, s).reversed().map { high, low -> UInt8 in
            let value = Int(high) - Int(low) - borrow
            borrow = value < 0 ? 1 : 0
            return UInt8(truncatingIfNeeded: value)
        }
        var copy = signed
        copy.signature = TPMTSignature.ecdsa(.sha256, r: r, s: Array(twin.reversed())).marshalled
        #expect(try scene.codes(copy) == [], "which is why replay is keyed on the nonce, never on signature bytes")
    }

    @Test("QF-16: the same template under another parent, and another key, are refused")
    func signer() throws {
        let signed = try scene.quote { $0.qualifiedSigner = TPM2BName(.zero(.sha256)) }
        #expect(try scene.codes(signed) == ["QUOTE_SIGNER"])
        let stranger = QuoteScene(.p256())
        #expect(try Set(scene.codes(stranger.quote())) == ["QUOTE_SIGNATURE", "QUOTE_SIGNER"])
    }

    @Test("QF-17: a key under the owner hierarchy is none of the accepted qualified names")
    func hierarchy() throws {
        var owner = scene.ak
        owner.parent = .ownerHierarchy
        let key = try AttestationKey(owner.publicArea)
        let ek = SoftwareEK.p384()
        let accepted = key.qualifiedNames(under: ek.publicArea)
        #expect(accepted.count == 2)
        #expect(!accepted.contains(owner.qualifiedName))
        #expect(accepted.contains(scene.ak.qualifiedName), "a primary of the endorsement hierarchy")
        var child = scene.ak
        child.parent = try #require(ek.publicArea.qualifiedName(under: .endorsementHierarchy))
        #expect(accepted.contains(child.qualifiedName), "a child of the EK")
    }

    @Test("All reasons are reported, not the first")
    func allReasons() throws {
        var signed = try scene.quote(extraData: [1]) {
            $0.qualifiedSigner = TPM2BName(.zero(.sha256))
            $0.attested = .quote(
                TPMSQuoteInfo(pcrSelect: TPMLPCRSelection(.all, banks: [.sha256]), pcrDigest: [1, 2, 3]))
        }
        signed.signature[10] ^= 1
        #expect(
            try scene.codes(signed) == [
                "QUOTE_SIGNATURE", "QUOTE_SIGNER", "QUOTE_NONCE", "QUOTE_PCR_SELECTION", "QUOTE_PCR_DIGEST",
            ])
    }
}

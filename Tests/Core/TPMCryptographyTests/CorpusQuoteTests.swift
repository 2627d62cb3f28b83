import ByteParsing
import Foundation
import TPMCryptography
import TPMStructures
import TestVectors
import Testing

@Suite(.enabled(if: TestVectors.corpus != nil, "the development corpus is absent; BOOTGATE_CORPUS names its folder"))
struct CorpusQuoteTests {
    /// Every captured boot that has a quote.
    static let variants: [String] = {
        guard let folder = TestVectors.corpus?.root.appendingPathComponent("measured-boot") else { return [] }
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return names.filter {
            FileManager.default.fileExists(atPath: folder.appendingPathComponent("\($0)/quote.msg").path)
        }.sorted()
    }()

    @Test(
        "The quote of every captured boot verifies with its AK, nonce, hierarchy and register values",
        arguments: variants)
    func measuredBoot(variant: String) throws {
        let boot = try #require(TestVectors.corpus).measuredBoot(variant)
        // These AKs were made without noDA, which is no matter of trust.
        let key = try AttestationKey(TPMTPublic(tpm2bPublic: boot.attestationKeyPublic))
        let ek = try TPMTPublic(tpm2bPublic: boot.bytes("ek.pub"))
        let quote = try UnverifiedQuote(attest: boot.quoteMessage, signature: boot.quoteSignature)
        let expectation = QuoteExpectation(
            extraData: try boot.qualifyingData, selection: TPMLPCRSelection(.all, banks: [.sha256]),
            signers: key.qualifiedNames(under: ek))
        let verified = try quote.verify(with: key, expecting: expectation)
        var values = PCRValues()
        for (bank, registers) in try boot.pcrs {
            for (index, hex) in registers {
                values.set(
                    try #require(Digest("\(bank):\(hex)")), bank: try #require(PCRBank(rawValue: bank)),
                    index: try #require(PCRIndex(index)))
            }
        }
        if variant.hasPrefix("full") {
            // IMA measured between the quote and the reading of the registers (measured-boot.md, T6), so PCR 10 as
            // read later is not the quoted one. tpm2_quote kept that one, behind PCR 9 in its array of TPM2B_DIGEST.
            #expect(throws: QuoteRefusal.self) { try verified.attest(values) }
            let kept = Data(try boot.bytes("quote.pcrs"))
            let index = try #require(PCRIndex(9))
            let nine = try #require(values[.sha256, index])
            let start = try #require(kept.firstRange(of: Data(nine.bytes))).lowerBound + 66
            values.set(
                try #require(Digest(algorithm: .sha256, bytes: Array(kept[start..<start + 32]))), bank: .sha256,
                index: try #require(PCRIndex(10)))
        }
        let attested = try verified.attest(values)
        #expect(attested.values.banks[.sha256]?.count == 24)
    }

    @Test("keylime-set: a quote of a hardware TPM's era, with its name and register values")
    func keylime() throws {
        let corpus = try #require(TestVectors.corpus)
        let area = try TPMTPublic(tpm2bPublic: corpus.bytes("quotes/keylime-set/ak.pub"))
        let name = try corpus.bytes("quotes/keylime-set/ak.name")
        #expect(area.name?.bytes == name)
        let pem = String(decoding: try corpus.bytes("quotes/keylime-set/akpub.pem"), as: UTF8.self)
        #expect(try SubjectPublicKey(area) == SubjectPublicKey(pem: pem))
        let quote = try UnverifiedQuote(
            attest: corpus.bytes("quotes/keylime-set/quote.out"),
            signature: corpus.bytes("quotes/keylime-set/quotesig.out"))
        let verified = try quote.verify(
            with: AttestationKey(area),
            expecting: QuoteExpectation(
                offlineExtraData: Hex.decode("db1db298db6d60e6385b7231743e9c3056a18003"), selection: nil, signers: nil))
        #expect(verified.firmwareVersion == 0x2016_0511_0016_2800)
        #expect(verified.clock.clock == 5994)
        var values = PCRValues()
        for (index, text) in [
            15: "0000000000000000000000000000000000000000000000000000000000000000",
            16: "9dbb22387e019c04da95477333546082ce313152c4a7f8a6e1d5f0c77f4fb6f0",
            22: "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        ] {
            values.set(
                try #require(Digest("sha256:\(text)")), bank: .sha256, index: try #require(PCRIndex(index)))
        }
        #expect(try verified.attest(values).values == values)
    }

    @Test("gta-quote-vector: a quote with a bare public key verifies offline, and no changed byte does")
    func gta() throws {
        let corpus = try #require(TestVectors.corpus)
        let pem = String(decoding: try corpus.bytes("quotes/gta-quote-vector/ak.pem"), as: UTF8.self)
        let key = try SubjectPublicKey(pem: pem)
        #expect(key.summary == "RSA-2048")
        let attest = try corpus.bytes("quotes/gta-quote-vector/attest.bin")
        let signature = try corpus.bytes("quotes/gta-quote-vector/sig.bin")
        let expectation = QuoteExpectation(
            offlineExtraData: Hex.decode("95ebad811d6fda45a16e0e2abefae91e"), selection: nil, signers: nil)
        let verified = try UnverifiedQuote(attest: attest, signature: signature)
            .verify(withUnattestedKey: key, expecting: expectation)
        #expect(verified.pcrSelection[.sha256]?.indices.map(\.rawValue) == Array(0..<8))
        for position in attest.indices {
            var changed = attest
            changed[position] ^= 0x20
            do {
                _ = try UnverifiedQuote(attest: changed, signature: signature)
                    .verify(withUnattestedKey: key, expecting: expectation)
                Issue.record("byte \(position) was changed and nobody saw it")
            } catch { #expect(error is QuoteRefusal || error is ParsingError) }
        }
    }
}

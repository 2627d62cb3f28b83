import ArgumentParser
import Crypto
import CryptoExtras
import TPMCryptography
import TPMStructures

/// A software attestation key with one quote by it: what a TPM would send, and what the bare library needs.
struct SignedQuote {
    var attest: [UInt8]
    var signature: [UInt8]
    var key: AttestationKey
    var expectation: QuoteExpectation

    private static let selection = TPMLPCRSelection(.all, banks: [.sha256])
    private static let nonce = [UInt8](repeating: 7, count: 32)
    private static let signer = TPM2BName(MessageDigest.hash([1], .sha256))
    private static let attributes: TPMAObject = [
        .fixedTPM, .fixedParent, .sensitiveDataOrigin, .restricted, .sign, .noDA, .userWithAuth,
    ]

    private static var attestation: [UInt8] {
        TPMSAttest(
            qualifiedSigner: signer, extraData: nonce,
            clockInfo: TPMSClockInfo(clock: 38_712, resetCount: 2, restartCount: 0, safe: true),
            firmwareVersion: 0x2019_1023_0016_3636,
            attested: .quote(
                TPMSQuoteInfo(pcrSelect: selection, pcrDigest: [UInt8](repeating: 9, count: 32)))
        ).marshalled
    }

    private static func make(_ area: TPMTPublic, _ attest: [UInt8], _ signature: TPMTSignature) throws -> SignedQuote {
        SignedQuote(
            attest: attest, signature: signature.marshalled, key: try AttestationKey(area),
            expectation: QuoteExpectation(extraData: nonce, selection: selection, signers: [signer]))
    }

    static func p256() throws -> (SignedQuote, P256.Signing.PublicKey, P256.Signing.ECDSASignature) {
        let key = P256.Signing.PrivateKey()
        let attest = attestation
        let signature = try key.signature(for: attest)
        let raw = [UInt8](signature.rawRepresentation)
        let point = [UInt8](key.publicKey.rawRepresentation)
        let area = TPMTPublic(
            nameAlgorithm: .sha256, attributes: attributes,
            key: .ecc(
                .init(
                    symmetric: .none, scheme: TPMTAsymScheme(.ecdsa, .sha256), curve: .nistP256,
                    x: Array(point[..<32]), y: Array(point[32...]))))
        let quote = try make(area, attest, .ecdsa(.sha256, r: Array(raw[..<32]), s: Array(raw[32...])))
        return (quote, key.publicKey, signature)
    }

    static func rsa() throws -> (SignedQuote, _RSA.Signing.PublicKey, _RSA.Signing.RSASignature) {
        let key = try _RSA.Signing.PrivateKey(keySize: .bits2048)
        let attest = attestation
        let signature = try key.signature(for: attest, padding: .insecurePKCS1v1_5)
        let primitives = try key.publicKey.getKeyPrimitives()
        let area = TPMTPublic(
            nameAlgorithm: .sha256, attributes: attributes,
            key: .rsa(
                .init(
                    symmetric: .none, scheme: TPMTAsymScheme(.rsassa, .sha256), keyBits: 2048, exponent: 0,
                    modulus: [UInt8](primitives.modulus))))
        let quote = try make(area, attest, .rsassa(.sha256, [UInt8](signature.rawRepresentation)))
        return (quote, key.publicKey, signature)
    }

    /// Registers that a quote by a software key signs.
    static func attested(_ values: PCRValues) throws -> AttestedPCRs {
        let key = P256.Signing.PrivateKey()
        let banks = Set(values.banks.keys)
        let selection = TPMLPCRSelection(PCRSet(values.banks.values.flatMap(\.keys)), banks: banks)
        guard let digest = values.compositeDigest(selection, .sha256) else { throw ExitCode(70) }
        let attest = TPMSAttest(
            qualifiedSigner: signer, extraData: nonce,
            clockInfo: TPMSClockInfo(clock: 38_712, resetCount: 2, restartCount: 0, safe: true),
            firmwareVersion: 1, attested: .quote(TPMSQuoteInfo(pcrSelect: selection, pcrDigest: digest.bytes))
        ).marshalled
        let raw = [UInt8](try key.signature(for: attest).rawRepresentation)
        let point = [UInt8](key.publicKey.rawRepresentation)
        let area = TPMTPublic(
            nameAlgorithm: .sha256, attributes: attributes,
            key: .ecc(
                .init(
                    symmetric: .none, scheme: TPMTAsymScheme(.ecdsa, .sha256), curve: .nistP256,
                    x: Array(point[..<32]), y: Array(point[32...]))))
        let signature = TPMTSignature.ecdsa(.sha256, r: Array(raw[..<32]), s: Array(raw[32...])).marshalled
        return try UnverifiedQuote(attest: attest, signature: signature).verify(
            with: AttestationKey(area),
            expecting: QuoteExpectation(extraData: nonce, selection: selection, signers: [signer])
        ).attest(values)
    }

    func verify() throws -> VerifiedQuote {
        try UnverifiedQuote(attest: attest, signature: signature).verify(with: key, expecting: expectation)
    }
}

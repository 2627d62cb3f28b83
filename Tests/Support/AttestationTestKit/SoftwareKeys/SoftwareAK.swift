public import Crypto
public import CryptoExtras
import TPMCryptography
public import TPMStructures

/// An attestation key whose private half is in this process: signs whatever a test wants, honest or not.
public struct SoftwareAK: Sendable {
    public enum PrivateKey: Sendable {
        case p256(P256.Signing.PrivateKey)
        case p384(P384.Signing.PrivateKey)
        case rsa(_RSA.Signing.PrivateKey)
    }

    public let privateKey: PrivateKey
    public var scheme: TPMAlgID
    public var hash: HashAlgorithm
    /// As a TPM would show it; change it to make a key that is refused.
    public var publicArea: TPMTPublic
    /// Name of what the key lives under, for its qualified name.
    public var parent: TPM2BName = .endorsementHierarchy

    public static let attributes: TPMAObject = [
        .fixedTPM, .fixedParent, .sensitiveDataOrigin, .userWithAuth, .noDA, .restricted, .sign,
    ]

    public static func p256(hash: HashAlgorithm = .sha256) -> SoftwareAK {
        let key = P256.Signing.PrivateKey()
        return SoftwareAK(
            .p256(key), .ecdsa, hash, eccArea(.nistP256, Array(key.publicKey.rawRepresentation), hash))
    }

    public static func p384(hash: HashAlgorithm = .sha384) -> SoftwareAK {
        let key = P384.Signing.PrivateKey()
        return SoftwareAK(
            .p384(key), .ecdsa, hash, eccArea(.nistP384, Array(key.publicKey.rawRepresentation), hash))
    }

    /// - Parameter scheme: RSASSA or RSAPSS.
    public static func rsa2048(scheme: TPMAlgID = .rsassa, hash: HashAlgorithm = .sha256) throws -> SoftwareAK {
        let key = try _RSA.Signing.PrivateKey(keySize: .bits2048)
        let modulus = Array(try key.publicKey.getKeyPrimitives().modulus)
        let area = TPMTPublic(
            nameAlgorithm: .sha256, attributes: attributes,
            key: .rsa(
                .init(
                    symmetric: .none, scheme: TPMTAsymScheme(scheme, hash), keyBits: 2048, exponent: 0,
                    modulus: modulus)))
        return SoftwareAK(.rsa(key), scheme, hash, area)
    }

    private static func eccArea(_ curve: TPMECCCurve, _ point: [UInt8], _ hash: HashAlgorithm) -> TPMTPublic {
        TPMTPublic(
            nameAlgorithm: .sha256, attributes: attributes,
            key: .ecc(
                .init(
                    symmetric: .none, scheme: TPMTAsymScheme(.ecdsa, hash), curve: curve,
                    x: Array(point.prefix(point.count / 2)), y: Array(point.suffix(point.count / 2)))))
    }

    private init(_ key: PrivateKey, _ scheme: TPMAlgID, _ hash: HashAlgorithm, _ area: TPMTPublic) {
        privateKey = key
        self.scheme = scheme
        self.hash = hash
        publicArea = area
    }

    /// The qualified name under ``parent``; empty for an area without a name.
    public var qualifiedName: TPM2BName { publicArea.qualifiedName(under: parent) ?? TPM2BName(handle: 0) }

    /// A TPMT_SIGNATURE over any bytes.
    public func sign(_ message: [UInt8]) throws -> TPMTSignature {
        switch hash {
        case .sha384: try sign(SHA384.hash(data: message))
        case .sha512: try sign(SHA512.hash(data: message))
        default: try sign(SHA256.hash(data: message))
        }
    }

    private func sign(_ digest: some Crypto.Digest) throws -> TPMTSignature {
        switch privateKey {
        case .p256(let key):
            let raw = Array(try key.signature(for: digest).rawRepresentation)
            return .ecdsa(hash, r: Array(raw.prefix(32)), s: Array(raw.suffix(32)))
        case .p384(let key):
            let raw = Array(try key.signature(for: digest).rawRepresentation)
            return .ecdsa(hash, r: Array(raw.prefix(48)), s: Array(raw.suffix(48)))
        case .rsa(let key):
            let padding: _RSA.Signing.Padding = scheme == .rsapss ? .PSS : .insecurePKCS1v1_5
            let bytes = Array(try key.signature(for: digest, padding: padding).rawRepresentation)
            return scheme == .rsapss ? .rsapss(hash, bytes) : .rsassa(hash, bytes)
        }
    }
}

/// A signed structure, as bytes.
public struct SignedAttest: Sendable {
    /// TPMS_ATTEST.
    public var attest: [UInt8]
    /// TPMT_SIGNATURE.
    public var signature: [UInt8]

    public init(attest: [UInt8], signature: [UInt8]) {
        self.attest = attest
        self.signature = signature
    }
}

extension SoftwareAK {
    /// What a TPM would answer to TPM2_Quote, changed by `edit` before it is signed.
    public func quote(
        extraData: [UInt8], selection: TPMLPCRSelection, values: PCRValues,
        clock: TPMSClockInfo = TPMSClockInfo(clock: 1_000, resetCount: 1, restartCount: 0, safe: true),
        firmwareVersion: UInt64 = 0x2019_1023_0016_3636, edit: (inout TPMSAttest) -> Void = { _ in }
    ) throws -> SignedAttest {
        let digest = values.compositeDigest(selection, hash) ?? .zero(hash)
        var attest = TPMSAttest(
            qualifiedSigner: qualifiedName, extraData: extraData, clockInfo: clock, firmwareVersion: firmwareVersion,
            attested: .quote(TPMSQuoteInfo(pcrSelect: selection, pcrDigest: digest.bytes)))
        edit(&attest)
        return try signed(attest.marshalled)
    }

    /// What a TPM would answer to TPM2_Certify, changed by `edit` before it is signed.
    public func certify(
        _ area: TPMTPublic, under keyParent: TPM2BName, extraData: [UInt8], edit: (inout TPMSAttest) -> Void = { _ in }
    ) throws -> SignedAttest {
        var attest = TPMSAttest(
            qualifiedSigner: qualifiedName, extraData: extraData,
            clockInfo: TPMSClockInfo(clock: 1_000, resetCount: 1, restartCount: 0, safe: true), firmwareVersion: 1,
            attested: .certify(
                TPMSCertifyInfo(
                    name: area.name ?? TPM2BName(handle: 0),
                    qualifiedName: area.qualifiedName(under: keyParent) ?? TPM2BName(handle: 0))))
        edit(&attest)
        return try signed(attest.marshalled)
    }

    public func signed(_ bytes: [UInt8]) throws -> SignedAttest {
        SignedAttest(attest: bytes, signature: try sign(bytes).marshalled)
    }
}

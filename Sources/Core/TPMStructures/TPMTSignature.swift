public import ByteParsing

/// A signature with its scheme and hash (Part 2, section 11.3.4, TPMT_SIGNATURE), of the schemes that this product
/// verifies. Any other scheme or hash is an unknown value.
public enum TPMTSignature: Hashable, Sendable {
    case rsassa(HashAlgorithm, [UInt8])
    case rsapss(HashAlgorithm, [UInt8])
    /// Big-endian integers as the TPM gave them: some firmware drops leading zeros.
    case ecdsa(HashAlgorithm, r: [UInt8], s: [UInt8])

    /// Reads a TPMT_SIGNATURE and nothing after it.
    public init(marshalled bytes: [UInt8]) throws(ParsingError) {
        var reader = ByteReader(bytes.span)
        let algorithm = TPMAlgID(rawValue: try reader.readBigEndian("TPMT_SIGNATURE.sigAlg"))
        guard [.rsassa, .rsapss, .ecdsa].contains(algorithm) else {
            throw reader.error("TPMT_SIGNATURE.sigAlg", back: 2, .unknownValue(UInt64(algorithm.rawValue)))
        }
        let hash = try HashAlgorithm(reading: &reader, "TPMT_SIGNATURE.hash")
        switch algorithm {
        case .ecdsa:
            let r = try reader.readTPM2B("TPMS_SIGNATURE_ECDSA.signatureR", max: TPMTPublic.maxECCParameterSize)
            let s = try reader.readTPM2B("TPMS_SIGNATURE_ECDSA.signatureS", max: TPMTPublic.maxECCParameterSize)
            self = .ecdsa(hash, r: r, s: s)
        case .rsassa:
            self = .rsassa(hash, try reader.readTPM2B("TPMS_SIGNATURE_RSA.sig", max: TPMTPublic.maxRSAModulusSize))
        default:
            self = .rsapss(hash, try reader.readTPM2B("TPMS_SIGNATURE_RSA.sig", max: TPMTPublic.maxRSAModulusSize))
        }
        try reader.expectEnd("TPMT_SIGNATURE")
    }

    public var scheme: TPMAlgID {
        switch self {
        case .rsassa: .rsassa
        case .rsapss: .rsapss
        case .ecdsa: .ecdsa
        }
    }

    public var hash: HashAlgorithm {
        switch self {
        case .rsassa(let hash, _), .rsapss(let hash, _), .ecdsa(let hash, _, _): hash
        }
    }

    public var marshalled: [UInt8] {
        var writer = ByteWriter(reservingCapacity: 270)
        writer.writeBigEndian(scheme.rawValue)
        writer.writeBigEndian(hash.algorithmID.rawValue)
        switch self {
        case .rsassa(_, let signature), .rsapss(_, let signature): writer.writeSized(signature)
        case .ecdsa(_, let r, let s):
            writer.writeSized(r)
            writer.writeSized(s)
        }
        return writer.bytes
    }
}

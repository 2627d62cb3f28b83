public import ByteParsing

/// The public area of a TPM object (Part 2, section 12.2.4, TPMT_PUBLIC).
///
/// Guarantees: the union members are those of the declared type, every length is within its parent and its limit, no
/// byte is left over, and marshalling gives back exactly the bytes that were read (all forms are canonical). Says
/// nothing about whether the key is sound: see `AttestationKey` and `EndorsementKey`.
public struct TPMTPublic: Hashable, Sendable {
    /// The largest RSA modulus that is read, in bytes (4,096 bits: the end of every allow-list of ours).
    public static let maxRSAModulusSize = 512
    /// The largest ECC coordinate that is read, in bytes (P-521).
    public static let maxECCParameterSize = 66
    /// The largest TPM2B_DIGEST, in bytes (SHA-512).
    public static let maxDigestSize = 64

    /// Parameters and unique value, by key type, in one value: they cannot disagree.
    public enum Key: Hashable, Sendable {
        case rsa(RSA)
        case ecc(ECC)
        /// HMAC keys and sealed data; `unique` is a digest.
        case keyedHash(scheme: KeyedHashScheme, unique: [UInt8])
        case symCipher(TPMTSymDefObject, unique: [UInt8])
    }

    /// TPMS_RSA_PARMS and TPM2B_PUBLIC_KEY_RSA.
    public struct RSA: Hashable, Sendable {
        public var symmetric: TPMTSymDefObject
        public var scheme: TPMTAsymScheme
        public var keyBits: UInt16
        /// 0 stands for 65,537.
        public var exponent: UInt32
        /// Big-endian; empty in a template.
        public var modulus: [UInt8]

        public init(
            symmetric: TPMTSymDefObject, scheme: TPMTAsymScheme, keyBits: UInt16, exponent: UInt32, modulus: [UInt8]
        ) {
            self.symmetric = symmetric
            self.scheme = scheme
            self.keyBits = keyBits
            self.exponent = exponent
            self.modulus = modulus
        }
    }

    /// TPMS_ECC_PARMS and TPMS_ECC_POINT.
    public struct ECC: Hashable, Sendable {
        public var symmetric: TPMTSymDefObject
        public var scheme: TPMTAsymScheme
        public var curve: TPMECCCurve
        public var kdf: TPMTAsymScheme
        /// Big-endian coordinates as the TPM gave them: some firmware drops leading zeros.
        public var x: [UInt8]
        public var y: [UInt8]

        public init(
            symmetric: TPMTSymDefObject, scheme: TPMTAsymScheme, curve: TPMECCCurve, kdf: TPMTAsymScheme = .null,
            x: [UInt8], y: [UInt8]
        ) {
            self.symmetric = symmetric
            self.scheme = scheme
            self.curve = curve
            self.kdf = kdf
            self.x = x
            self.y = y
        }
    }

    /// TPMT_KEYEDHASH_SCHEME.
    public enum KeyedHashScheme: Hashable, Sendable {
        case none
        case hmac(HashAlgorithm)
    }

    /// Nil stands for TPM_ALG_NULL: such an object has no name.
    public var nameAlgorithm: HashAlgorithm?
    public var attributes: TPMAObject
    public var authPolicy: [UInt8]
    public var key: Key

    public init(nameAlgorithm: HashAlgorithm?, attributes: TPMAObject, authPolicy: [UInt8] = [], key: Key) {
        self.nameAlgorithm = nameAlgorithm
        self.attributes = attributes
        self.authPolicy = authPolicy
        self.key = key
    }

    /// Reads a bare TPMT_PUBLIC and nothing after it.
    public init(tpmtPublic bytes: [UInt8]) throws(ParsingError) {
        var reader = ByteReader(bytes.span)
        try self.init(reading: &reader)
        try reader.expectEnd("TPMT_PUBLIC")
    }

    /// Reads a TPM2B_PUBLIC (a size, then the TPMT_PUBLIC) and nothing after it: what `tpm2_readpublic` writes.
    public init(tpm2bPublic bytes: [UInt8]) throws(ParsingError) {
        var reader = ByteReader(bytes.span)
        let size: UInt16 = try reader.readBigEndian("TPM2B_PUBLIC.size")
        self = try reader.readSized(Int(size), "TPM2B_PUBLIC.publicArea") { slice throws(ParsingError) in
            try TPMTPublic(reading: &slice)
        }
        try reader.expectEnd("TPM2B_PUBLIC")
    }

    public var type: TPMAlgID {
        switch key {
        case .rsa: .rsa
        case .ecc: .ecc
        case .keyedHash: .keyedHash
        case .symCipher: .symCipher
        }
    }
}

extension TPMTPublic {
    init(reading reader: inout ByteReader) throws(ParsingError) {
        let type = TPMAlgID(rawValue: try reader.readBigEndian("TPMT_PUBLIC.type"))
        guard [.rsa, .ecc, .keyedHash, .symCipher].contains(type) else {
            throw reader.error("TPMT_PUBLIC.type", back: 2, .unknownValue(UInt64(type.rawValue)))
        }
        let nameValue = TPMAlgID(rawValue: try reader.readBigEndian("TPMT_PUBLIC.nameAlg"))
        nameAlgorithm = HashAlgorithm(nameValue)
        guard nameAlgorithm != nil || nameValue == .null else {
            throw reader.error("TPMT_PUBLIC.nameAlg", back: 2, .unknownValue(UInt64(nameValue.rawValue)))
        }
        attributes = try TPMAObject(reading: &reader)
        authPolicy = try reader.readTPM2B("TPMT_PUBLIC.authPolicy", max: Self.maxDigestSize)
        guard authPolicy.isEmpty || authPolicy.count == nameAlgorithm?.digestSize else {
            throw reader.error(
                "TPMT_PUBLIC.authPolicy", back: authPolicy.count + 2,
                .malformed("\(authPolicy.count) bytes are no digest of the name algorithm"))
        }
        switch type {
        case .rsa: key = .rsa(try RSA(reading: &reader))
        case .ecc: key = .ecc(try ECC(reading: &reader))
        case .keyedHash:
            key = .keyedHash(
                scheme: try KeyedHashScheme(reading: &reader),
                unique: try reader.readTPM2B("TPMT_PUBLIC.unique", max: Self.maxDigestSize))
        default:
            key = .symCipher(
                try TPMTSymDefObject(reading: &reader, "TPMS_SYMCIPHER_PARMS.sym"),
                unique: try reader.readTPM2B("TPMT_PUBLIC.unique", max: Self.maxDigestSize))
        }
    }

    /// The TPMT_PUBLIC's bytes: what an object's name is the digest of.
    ///
    /// - Precondition: no part is longer than 65,535 bytes; parsed values never are.
    public var marshalled: [UInt8] {
        var writer = ByteWriter(reservingCapacity: 400)
        writer.writeBigEndian(type.rawValue)
        writer.writeBigEndian((nameAlgorithm?.algorithmID ?? .null).rawValue)
        writer.writeBigEndian(attributes.rawValue)
        writer.writeSized(authPolicy)
        switch key {
        case .rsa(let rsa):
            rsa.symmetric.write(to: &writer)
            rsa.scheme.write(to: &writer)
            writer.writeBigEndian(rsa.keyBits)
            writer.writeBigEndian(rsa.exponent)
            writer.writeSized(rsa.modulus)
        case .ecc(let ecc):
            ecc.symmetric.write(to: &writer)
            ecc.scheme.write(to: &writer)
            writer.writeBigEndian(ecc.curve.rawValue)
            ecc.kdf.write(to: &writer)
            writer.writeSized(ecc.x)
            writer.writeSized(ecc.y)
        case .keyedHash(.none, let unique):
            writer.writeBigEndian(TPMAlgID.null.rawValue)
            writer.writeSized(unique)
        case .keyedHash(.hmac(let hash), let unique):
            writer.writeBigEndian(TPMAlgID.hmac.rawValue)
            writer.writeBigEndian(hash.algorithmID.rawValue)
            writer.writeSized(unique)
        case .symCipher(let symmetric, let unique):
            symmetric.write(to: &writer)
            writer.writeSized(unique)
        }
        return writer.bytes
    }

    /// The TPM2B_PUBLIC's bytes.
    public var marshalledSized: [UInt8] {
        var writer = ByteWriter()
        writer.writeSized(marshalled)
        return writer.bytes
    }
}

extension TPMTPublic.RSA {
    fileprivate init(reading reader: inout ByteReader) throws(ParsingError) {
        symmetric = try TPMTSymDefObject(reading: &reader, "TPMS_RSA_PARMS.symmetric")
        scheme = try TPMTAsymScheme(
            reading: &reader, "TPMS_RSA_PARMS.scheme", allowed: TPMTAsymScheme.rsaSchemes)
        keyBits = try reader.readBigEndian("TPMS_RSA_PARMS.keyBits")
        exponent = try reader.readBigEndian("TPMS_RSA_PARMS.exponent")
        modulus = try reader.readTPM2B("TPM2B_PUBLIC_KEY_RSA", max: TPMTPublic.maxRSAModulusSize)
    }
}

extension TPMTPublic.ECC {
    fileprivate init(reading reader: inout ByteReader) throws(ParsingError) {
        symmetric = try TPMTSymDefObject(reading: &reader, "TPMS_ECC_PARMS.symmetric")
        scheme = try TPMTAsymScheme(
            reading: &reader, "TPMS_ECC_PARMS.scheme", allowed: TPMTAsymScheme.eccSchemes)
        curve = TPMECCCurve(rawValue: try reader.readBigEndian("TPMS_ECC_PARMS.curveID"))
        kdf = try TPMTAsymScheme(
            reading: &reader, "TPMS_ECC_PARMS.kdf", allowed: [.kdf1SP80056A, .kdf1SP800108])
        x = try reader.readTPM2B("TPMS_ECC_POINT.x", max: TPMTPublic.maxECCParameterSize)
        y = try reader.readTPM2B("TPMS_ECC_POINT.y", max: TPMTPublic.maxECCParameterSize)
    }
}

extension TPMTPublic.KeyedHashScheme {
    fileprivate init(reading reader: inout ByteReader) throws(ParsingError) {
        let algorithm = TPMAlgID(rawValue: try reader.readBigEndian("TPMT_KEYEDHASH_SCHEME.scheme"))
        switch algorithm {
        case .null: self = .none
        case .hmac: self = .hmac(try HashAlgorithm(reading: &reader, "TPMT_KEYEDHASH_SCHEME.hashAlg"))
        default:
            throw reader.error(
                "TPMT_KEYEDHASH_SCHEME.scheme", back: 2, .unknownValue(UInt64(algorithm.rawValue)))
        }
    }
}

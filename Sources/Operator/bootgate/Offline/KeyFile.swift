import ByteParsing
import TPMCryptography
import TPMStructures

/// A public key as a file holds it: a TPM's public area with its attributes, or the bare key.
enum KeyFile {
    case area(TPMTPublic)
    case bare(SubjectPublicKey)

    var subjectPublicKey: SubjectPublicKey? {
        switch self {
        case .area(let area): try? SubjectPublicKey(area)
        case .bare(let key): key
        }
    }

    /// PEM by its first dash; TPM2B_PUBLIC where its size fits the file; else TPMT_PUBLIC, or DER.
    static func parse(_ bytes: [UInt8]) throws(ParsingError) -> KeyFile {
        if bytes.starts(with: "-----BEGIN".utf8) {
            return .bare(try SubjectPublicKey(pem: String(decoding: bytes, as: UTF8.self)))
        }
        if bytes.first == 0x30 { return .bare(try SubjectPublicKey(spki: bytes)) }
        // TPMT_PUBLIC begins with an object type: 0x0001, 0x0008, 0x0023 or 0x0025, all smaller than any public area.
        let first = bytes.count >= 2 ? UInt16(bytes[0]) << 8 | UInt16(bytes[1]) : 0
        if [TPMAlgID.rsa, .keyedHash, .ecc, .symCipher].contains(TPMAlgID(rawValue: first)) {
            return .area(try TPMTPublic(tpmtPublic: bytes))
        }
        return .area(try TPMTPublic(tpm2bPublic: bytes))
    }
}

/// A quote's signature as a file holds it.
enum SignatureFile {
    /// TPMT_SIGNATURE; or the plain signature of the key's kind (`tpm2_quote -f plain`): the raw RSA signature, or DER
    /// of two integers, by the scheme and hash of the key's public area, RSASSA and SHA-256 where it names none.
    static func parse(_ bytes: [UInt8], key: KeyFile) throws(ParsingError) -> TPMTSignature {
        let structured: ParsingError
        do throws(ParsingError) {
            return try TPMTSignature(marshalled: bytes)
        } catch {
            structured = error
        }
        var scheme = TPMAlgID.rsassa
        var hash = HashAlgorithm.sha256
        if case .area(let area) = key, let attestationKey = try? AttestationKey(area) {
            scheme = attestationKey.scheme
            hash = attestationKey.hash
        }
        switch key.subjectPublicKey {
        case .rsa(let modulus, _)? where bytes.count == modulus.count:
            return scheme == .rsapss ? .rsapss(hash, bytes) : .rsassa(hash, bytes)
        case .ecc? where bytes.first == 0x30:
            return try ecdsa(bytes, hash)
        default:
            throw structured
        }
    }

    private static func ecdsa(_ bytes: [UInt8], _ hash: HashAlgorithm) throws(ParsingError) -> TPMTSignature {
        var reader = ByteReader(bytes.span)
        try reader.skip(1, "ECDSA-Sig-Value")
        var size = Int(try reader.readUInt8("ECDSA-Sig-Value.length"))
        if size == 0x81 { size = Int(try reader.readUInt8("ECDSA-Sig-Value.length")) }
        let (r, s) = try reader.readSized(size, "ECDSA-Sig-Value") { content throws(ParsingError) in
            (try integer(&content, "r"), try integer(&content, "s"))
        }
        try reader.expectEnd("ECDSA-Sig-Value")
        return .ecdsa(hash, r: r, s: s)
    }

    private static func integer(_ reader: inout ByteReader, _ name: String) throws(ParsingError) -> [UInt8] {
        let tag = try reader.readUInt8("ECDSA-Sig-Value.\(name)")
        guard tag == 2 else {
            throw reader.error("ECDSA-Sig-Value.\(name)", back: 1, .unknownValue(UInt64(tag)))
        }
        let size = Int(try reader.readUInt8("ECDSA-Sig-Value.\(name).length"))
        guard size <= 67 else {
            throw reader.error(
                "ECDSA-Sig-Value.\(name).length", back: 1, .outOfRange(value: UInt64(size), limit: 67))
        }
        return Array(try reader.readBytes(size, "ECDSA-Sig-Value.\(name)").drop { $0 == 0 })
    }
}

internal import TPMStructures

/// What is wrong with a public key by itself.
public enum KeyDefect: Hashable, Sendable {
    /// No key at all: a point off its curve, an even or short modulus, an impossible exponent.
    case malformed(String)
    /// A key below what policy takes: RSA-2048 with exponent 65,537, P-256.
    case weak(String)
    /// A modulus made by the Infineon library of CVE-2017-15361: factorable.
    case roca
}

extension SubjectPublicKey {
    /// RSA sizes that are taken, in bits.
    static let allowedModulusBits = [2048, 3072, 4096]

    /// Everything that is wrong with this key; empty for a sound one. Cheap checks come before the library sees the
    /// key (catalogue ID-16).
    public var defects: [KeyDefect] {
        switch self {
        case .rsa(let modulus, let exponent): rsaDefects(modulus, exponent)
        case .ecc(let curve, _, _):
            SignatureVerifier(self) == nil ? [.malformed("not a point of \(curve)")] : []
        }
    }

    private func rsaDefects(_ modulus: [UInt8], _ exponent: [UInt8]) -> [KeyDefect] {
        let bits = modulusBits ?? 0
        guard let last = modulus.last, last & 1 == 1 else { return [.malformed("the modulus is zero or even")] }
        guard let exponentLast = exponent.last, exponentLast & 1 == 1, exponent != [1], exponent.count <= 8 else {
            return [.malformed("the exponent is even, 1, or longer than 64 bits")]
        }
        var defects: [KeyDefect] = []
        if bits < 2048 { defects.append(.weak("RSA-\(bits)")) }
        if bits > 2048, !Self.allowedModulusBits.contains(bits) { defects.append(.malformed("RSA-\(bits)")) }
        if exponent.count < 3 { defects.append(.weak("an exponent below 65,537")) }
        if ROCA.matches(modulus: modulus) { defects.append(.roca) }
        if defects.isEmpty, SignatureVerifier(self) == nil { defects.append(.malformed("no usable RSA key")) }
        return defects
    }
}

/// The fingerprint of CVE-2017-15361: such a modulus is a power of 65,537 modulo every small prime (Nemec and others,
/// "The Return of Coppersmith's Attack", section 4).
enum ROCA {
    private static let primes: [Int] = [
        3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109,
        113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
    ]
    /// For each prime, which residues are powers of 65,537.
    private static let powers: [[Bool]] = primes.map { prime in
        var table = [Bool](repeating: false, count: prime)
        var value = 1
        repeat {
            table[value] = true
            value = value * 65_537 % prime
        } while value != 1
        return table
    }

    static func matches(modulus: [UInt8]) -> Bool {
        for (prime, table) in zip(primes, powers) {
            let residue = modulus.reduce(0) { ($0 << 8 | Int($1)) % prime }
            guard table[residue] else { return false }
        }
        return true
    }
}

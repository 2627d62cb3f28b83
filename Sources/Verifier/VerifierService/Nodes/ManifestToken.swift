internal import Crypto

/// One-time tokens of manifest entries: only a salted hash is ever stored (ID-19, SA-11).
package enum ManifestToken {
    package static let saltSize = 16

    package static func hash(_ token: String, salt: [UInt8]) -> [UInt8] {
        Array(SHA256.hash(data: salt + Array(token.utf8)))
    }

    static func matches(_ token: String, _ entry: ManifestRecord) -> Bool {
        guard let salt = entry.tokenSalt, let expected = entry.tokenHash else { return false }
        return ConstantTime.equal(hash(token, salt: salt), expected)
    }
}

/// Comparison whose time does not tell where two byte strings differ.
enum ConstantTime {
    static func equal(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        guard left.count == right.count else { return false }
        return zip(left, right).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }
}

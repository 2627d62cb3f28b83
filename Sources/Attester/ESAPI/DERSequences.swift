/// Cuts concatenated DER SEQUENCEs apart. NV indices are often larger than what they hold, so filling bytes may follow.
enum DERSequences {
    /// The whole sequences at the start; ends at the first byte that does not begin one (0x00 and 0xFF are common fillers)
    /// and at one that is cut off.
    static func split(_ bytes: [UInt8]) -> [[UInt8]] {
        var found: [[UInt8]] = []
        var start = 0
        while let length = length(of: bytes[start...]) {
            found.append(Array(bytes[start..<start + length]))
            start += length
        }
        return found
    }

    /// Header and content of a definite-length SEQUENCE of up to 65,535 bytes (X.690, section 8.1.3).
    private static func length(of bytes: ArraySlice<UInt8>) -> Int? {
        guard bytes.count >= 4, bytes[bytes.startIndex] == 0x30 else { return nil }
        let first = Int(bytes[bytes.startIndex + 1])
        let total: Int
        switch first {
        case 0..<0x80: total = 2 + first
        case 0x81: total = 3 + Int(bytes[bytes.startIndex + 2])
        case 0x82: total = 4 + Int(bytes[bytes.startIndex + 2]) << 8 + Int(bytes[bytes.startIndex + 3])
        default: return nil
        }
        return total <= bytes.count ? total : nil
    }
}

public import Foundation

/// One booted machine: its event log, quote, keys and what its TPM held. `PROVENANCE.md` says how it was made.
public struct MeasuredBootVector: Sendable, CustomStringConvertible {
    public let name: String
    public let folder: URL

    /// The bytes of one of the variant's files (`eventlog.bin`, `quote.msg`, …).
    public func bytes(_ file: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: folder.appendingPathComponent(file)))
    }

    public func text(_ file: String) throws -> String { String(decoding: try bytes(file), as: UTF8.self) }

    public var eventLog: [UInt8] { get throws { try bytes("eventlog.bin") } }
    /// TPMS_ATTEST.
    public var quoteMessage: [UInt8] { get throws { try bytes("quote.msg") } }
    /// TPMT_SIGNATURE.
    public var quoteSignature: [UInt8] { get throws { try bytes("quote.sig") } }
    /// TPM2B_PUBLIC.
    public var attestationKeyPublic: [UInt8] { get throws { try bytes("ak.pub") } }

    /// The qualifying data of the quote (`nonce` holds its hexadecimal text).
    public var qualifyingData: [UInt8] {
        get throws {
            let digits = try bytes("nonce").compactMap { Character(UnicodeScalar($0)).hexDigitValue }
            return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
        }
    }

    /// What `tpm2_pcrread` printed: lower-case hexadecimal by bank name (`sha256`) and index.
    public var pcrs: [String: [Int: String]] {
        get throws {
            var banks: [String: [Int: String]] = [:]
            var bank = ""
            for line in try text("pcrs.yaml").split(separator: "\n") {
                let parts = line.split(separator: ":", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
                if parts.count == 2, let index = Int(parts[0]) {
                    banks[bank, default: [:]][index] = String(parts[1].dropFirst(2)).lowercased()
                } else if let name = parts.first {
                    bank = name
                }
            }
            return banks
        }
    }

    public var description: String { name }
}

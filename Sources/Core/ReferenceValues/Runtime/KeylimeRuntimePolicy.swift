public import JSONCoding
internal import TPMCryptography
internal import TPMStructures

/// A runtime policy of Keylime (JSON, version 1), as far as rules here can say the same.
public struct KeylimeRuntimePolicy: Hashable, Sendable {
    /// Digests by path, exclusions, keyrings, buffers and signers. `minimumEntries` is the least that there is.
    public let runtime: ReferenceSet.Runtime
    /// One sentence for each thing that is left out: somebody has to decide about it.
    public let notCarriedOver: [String]

    private struct Document: Decodable {
        var digests: [String: [String]]?
        var excludes: [String]?
        var keyrings: [String: [String]]?
        var buffers: [String: [String]]?
        var verificationKeys: String?
        var ima: IMA?

        struct IMA: Decodable {
            var ignoredKeyrings: [String]?
            enum CodingKeys: String, CodingKey { case ignoredKeyrings = "ignored_keyrings" }
        }
        enum CodingKeys: String, CodingKey {
            case digests, excludes, keyrings, ima
            case buffers = "ima-buf"
            case verificationKeys = "verification-keys"
        }
    }
    private struct Keys: Decodable {
        var pubkeys: [String]
        var keyids: [UInt32]?
    }

    /// - Throws: for a text that is no JSON within ``StrictJSONLimits/document``, or of another form.
    public init(parsing bytes: [UInt8]) throws(StrictJSONError) {
        var limits = StrictJSONLimits.document
        limits.allowsFractions = true
        let document = try StrictJSON.decode(Document.self, from: bytes, limits: limits)
        var carried = Carried()
        var runtime = ReferenceSet.Runtime(minimumEntries: ReferenceSetLint.entryCounts.lowerBound)
        runtime.files = carried.lines(document.digests ?? [:], "digests", skipping: "boot_aggregate")
        let keyrings = carried.lines(document.keyrings ?? [:], "keyrings")
        let buffers = carried.lines(document.buffers ?? [:], "ima-buf")
        runtime.buffers = keyrings + buffers
        runtime.exclude = carried.globs(document.excludes ?? [])
        runtime.signers = try carried.signers(document.verificationKeys ?? "")
        for name in document.ima?.ignoredKeyrings ?? [] {
            carried.left.append("ima.ignored_keyrings \"\(name)\": keyrings are always judged")
        }
        if runtime.buffers?.isEmpty ?? true { runtime.buffers = nil }
        if runtime.exclude?.isEmpty ?? true { runtime.exclude = nil }
        if runtime.signers?.isEmpty ?? true { runtime.signers = nil }
        self.runtime = runtime
        notCarriedOver = carried.left
    }

    private struct Carried {
        var left: [String] = []

        /// Keylime names no algorithm; the length says it.
        private static let algorithms: [Int: HashAlgorithm] = [40: .sha1, 64: .sha256, 96: .sha384, 128: .sha512]

        mutating func lines(_ table: [String: [String]], _ name: String, skipping skipped: String? = nil) -> [String] {
            var lines: [String] = []
            for (path, digests) in table.sorted(by: { $0.key < $1.key }) {
                if path == skipped {
                    left.append("\(name) \"\(path)\": always compared with the quoted registers")
                    continue
                }
                for digest in digests {
                    let algorithm = Self.algorithms[digest.utf8.count]
                    let line = "\(algorithm?.name ?? ""):\(digest) \(path)"
                    if ReferenceLine(line) != nil {
                        lines.append(line)
                    } else {
                        left.append("\(name) \"\(path)\": \"\(digest)\" is no digest of a path")
                    }
                }
            }
            return lines
        }

        mutating func globs(_ expressions: [String]) -> [String] {
            var globs: [String] = []
            for expression in expressions {
                if let translated = ExcludeTranslation.globs(expression) {
                    globs += translated
                } else {
                    left.append("excludes \"\(expression)\": no pattern means exactly the same")
                }
            }
            return globs
        }

        mutating func signers(_ text: String) throws(StrictJSONError) -> [ReferenceSet.Runtime.Signer] {
            guard !text.isEmpty, text != "[]" else { return [] }
            let keys = try StrictJSON.decode(Keys.self, from: Array(text.utf8))
            var signers: [ReferenceSet.Runtime.Signer] = []
            for (index, key) in keys.pubkeys.enumerated() {
                let block = "-----BEGIN PUBLIC KEY-----\n\(key)\n-----END PUBLIC KEY-----\n"
                guard let pem = try? SubjectPublicKey(pem: block).pem,
                    let signer = try? RuntimeSigner(.init(name: "keylime key \(index)", publicKey: pem))
                else {
                    left.append("verification-keys[\(index)]: no sound RSA, P-256 or P-384 key")
                    continue
                }
                if let id = keys.keyids?.dropFirst(index).first, id != signer.keyID {
                    left.append(
                        "verification-keys[\(index)]: the key id 0x\(String(id, radix: 16)) is a certificate's; "
                            + "name the certificate as signer instead")
                    continue
                }
                signers.append(.init(name: signer.name, publicKey: pem))
            }
            return signers
        }
    }
}

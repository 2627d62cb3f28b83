internal import ByteParsing
internal import TPMCryptography
internal import TPMStructures

/// The content of PK, KEK, db, dbx, dbt, dbr or a list of shim's, however a file holds it: bare, as efivarfs shows it, or in
/// the signed update that vendors publish.
///
/// Guarantees that every byte of the lists was read as what its sizes say. Does not verify an update's signature: only the
/// firmware that holds the keys can.
public struct SignatureDatabase: Hashable, Sendable {
    public enum Form: String, Hashable, Sendable, Codable {
        /// EFI_SIGNATURE_LISTs alone.
        case lists = "signature-lists"
        /// 32 bits of attributes before them.
        case efivarfs
        /// EFI_VARIABLE_AUTHENTICATION_2 before them.
        case signedUpdate = "signed-update"
    }

    /// Far above the largest dbx that firmware accepts (about 64 KiB).
    public static let maximumSize = 4 * 1024 * 1024

    public let form: Form
    /// As efivarfs shows them; nil in another form.
    public let attributes: UInt32?
    /// nil unless it is a signed update.
    public let authentication: VariableAuthentication?
    public let lists: [EFISignatureList]

    /// - Throws: ``EventDataError`` with `LOG_SIGLIST`; an empty file is a database without entries.
    public init(parsing bytes: [UInt8]) throws(EventDataError) {
        guard bytes.count <= Self.maximumSize else {
            throw EventDataError(
                .signatureList,
                ParsingError(
                    field: "signature database", offset: 0,
                    problem: .outOfRange(value: UInt64(bytes.count), limit: UInt64(Self.maximumSize))))
        }
        // Attributes fit in the low bits, while no list's type begins with three zero bytes behind them.
        let hasAttributes = bytes.count >= 4 && bytes[1] == 0 && bytes[2] == 0 && bytes[3] == 0
        let start = hasAttributes ? 4 : 0
        attributes = hasAttributes ? UInt32(bytes[0]) : nil
        var position = start
        if VariableAuthentication.begins(bytes[start...]) {
            let (authentication, size) = try VariableAuthentication.parse(bytes.span, at: start)
            self.authentication = authentication
            position += size
            form = .signedUpdate
        } else {
            authentication = nil
            form = hasAttributes ? .efivarfs : .lists
        }
        lists = try EFISignatureList.parse(bytes.span.extracting(position..<bytes.count), baseOffset: position)
    }

    public init(lists: [EFISignatureList]) {
        form = .lists
        attributes = nil
        authentication = nil
        self.lists = lists
    }

    public var entryCount: Int { lists.reduce(0) { $0 + $1.entries.count } }

    /// Each entry as `type:hex`: a hash as it is, a certificate as the SHA-256 of its DER; sorted, each once. Two databases
    /// with equal lines hold the same entries, in whatever order and lists.
    public var entryLines: [String] {
        var lines: Set<String> = []
        for list in lists {
            for entry in list.entries {
                let content = list.signatureType == .x509 ? MessageDigest.hash(entry.data, .sha256).bytes : entry.data
                lines.insert("\(list.typeName):\(Hex.encode(content))")
            }
        }
        return lines.sorted()
    }

    /// SHA-256 over ``entryLines`` joined by newlines, in hexadecimal.
    public var entrySetSHA256: String {
        MessageDigest.hash(Array(entryLines.joined(separator: "\n").utf8), .sha256).hex
    }
}

import ArgumentParser
import ByteParsing
import TCGEventLog
import TPMCryptography
import TPMStructures

struct InspectSignatureList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "signature-list", abstract: "Read a Secure Boot database: PK, KEK, db, dbx, or an update to one.",
        discussion: """
            Takes bare EFI_SIGNATURE_LISTs, a file of /sys/firmware/efi/efivars, and the signed updates that vendors publish. \
            An update's signature is not verified: only firmware holds the keys. entrySetSHA256 is equal for databases with \
            the same entries, in whatever order and form.

            EXAMPLES
              bootgate inspect signature-list dbxupdate_x64.bin
              bootgate inspect signature-list /sys/firmware/efi/efivars/dbx-d719b2cb-3d3a-4596-a3bc-dad00e67656f -o json
            """)
    @Argument(help: "The database, or - for standard input.") var file: String
    @OptionGroup var output: OutputOptions

    func run() throws {
        let bytes = try InputFile.readInput(file)
        let report = SignatureListReport(try reading(file) { try SignatureDatabase(parsing: bytes) })
        try output.write(report) { report.text }
    }
}

/// What `inspect signature-list -o json` prints.
struct SignatureListReport: Encodable {
    struct Entry: Encodable {
        var type: String
        var owner: String
        /// A hash as it is; of a certificate its SHA-256.
        var value: String
        /// A certificate's subject; from the certificate, unverified.
        var subject: String?
    }

    var form: String
    var attributes: UInt32?
    var timestamp: String?
    var signatureLists: Int
    var entriesByType: [String: Int]
    var entrySetSHA256: String
    var entries: [Entry]

    init(_ database: SignatureDatabase) {
        form = database.form.rawValue
        attributes = database.attributes
        timestamp = database.authentication?.timestamp
        signatureLists = database.lists.count
        entriesByType = database.lists.reduce(into: [:]) { $0[$1.typeName, default: 0] += $1.entries.count }
        entrySetSHA256 = database.entrySetSHA256
        entries = database.lists.flatMap { list in
            list.entries.map { entry in
                let isCertificate = list.signatureType == .x509
                return Entry(
                    type: list.typeName, owner: entry.owner.name,
                    value: isCertificate ? MessageDigest.hash(entry.data, .sha256).hex : Hex.encode(entry.data),
                    subject: isCertificate ? CertificateSubject.name(ofDER: entry.data[...]) : nil)
            }
        }
    }

    var text: String {
        var table = TextTable("TYPE", "OWNER", "VALUE", "SUBJECT")
        for entry in entries { table.add(entry.type, entry.owner, entry.value, entry.subject) }
        var fields = FieldList()
        fields.add("Form", form)
        fields.add("Attributes", attributes.map { "0x" + String($0, radix: 16) })
        fields.add("Time", timestamp)
        fields.add("Lists, entries", "\(signatureLists), \(entries.count)")
        fields.add("Set (SHA-256)", entrySetSHA256)
        return fields.text + "\n\n" + table.text
    }
}

import AttestationMessages
import ReferenceValues

/// Reference sets as text.
enum ReferenceText {
    static func list(_ sets: [ReferenceView]) -> String {
        var table = TextTable("NAME", "VERSION", "STATUS", "GROUP", "LAYERS", "CREATED", "BY", "APPROVED BY", "SHA-256")
        for set in sets {
            table.add(
                set.name, String(set.version), set.status.rawValue + (set.labMode ? " (lab mode)" : ""), set.group,
                set.layers.joined(separator: ","), Timestamp.age(set.createdAtMilliseconds), set.createdBy,
                set.approvedBy, String(set.documentSHA256.prefix(16)))
        }
        return table.text
    }

    static func detail(_ set: ReferenceView) -> String {
        var fields = FieldList()
        fields.add("Set", "\(set.name) version \(set.version)")
        fields.add("Status", set.status.rawValue)
        if set.labMode { fields.add("Lab mode", "one operator proposed and approved: not for production") }
        fields.add("Group", set.group)
        fields.add("Layers", set.layers.joined(separator: ", "))
        fields.add("Document SHA-256", set.documentSHA256)
        fields.add("Created", "\(Timestamp.withAge(set.createdAtMilliseconds)) by \(set.createdBy)")
        fields.add("Proposed by", set.proposedBy)
        fields.add("Approved by", set.approvedBy)
        fields.add("Valid until", set.validUntilMilliseconds.map(Timestamp.text))
        fields.add("Note", set.note)
        return fields.text
    }

    private static func signatures(_ reference: ReferenceDetail) -> String {
        var fields = FieldList()
        for signed in reference.signatures ?? [] {
            fields.add(
                "Signed", "\(signed.act.rawValue) by \(signed.signer), \(Timestamp.withAge(signed.atMilliseconds))")
        }
        if reference.signatures?.isEmpty != false { fields.add("Signed", "by nobody") }
        fields.add("JUDGES NOBODY", reference.signatureProblem)
        return fields.text
    }

    /// A set with all that it demands, as a person reads it before approving.
    static func review(_ reference: ReferenceDetail) -> String {
        let head = detail(reference.view) + "\n" + signatures(reference) + "\n"
        do {
            let own = try ReferenceSet(parsing: reference.document.bytes)
            guard let parent = own.extends, let effective = reference.effective else {
                return head + ReferenceSetText.text(own, isComplete: false)
            }
            var fields = FieldList()
            fields.add("Rests on", "\(parent) (\(parent.documentSHA256)); below: what they say together")
            return head + fields.text + "\n"
                + ReferenceSetText.text(try ReferenceSet(parsing: effective.bytes), isComplete: false)
        } catch {
            return head + TerminalText.escaped("The document cannot be read, do not approve it: \(error)")
        }
    }
}

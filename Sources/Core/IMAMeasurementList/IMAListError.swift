public import ByteParsing

/// Why bytes are not a measurement list: the entry, the field, its offset and the problem.
///
/// Guarantees: `offset` counts from the first byte of the list, whatever the chunks were. A list that throws this has no
/// entries that may be judged.
public struct IMAListError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The entry's number in the list, from 0.
    public let entry: Int
    /// The field's name as the kernel's documentation and sources write it (`ima_template_entry.template_data_len`).
    public let field: String
    /// Offset in bytes from the start of the list.
    public let offset: Int
    public let problem: ParsingError.Problem

    init(entry: Int, _ error: ParsingError) {
        self.entry = entry
        field = error.field
        offset = error.offset
        problem = error.problem
    }

    /// Always `IMA_TEMPLATE`: the catalogue has one code for every list that cannot be read.
    public var reason: IMAReason { .template }
    public var parsingError: ParsingError { ParsingError(field: field, offset: offset, problem: problem) }
    public var description: String { "\(reason): entry \(entry): \(parsingError)" }
}

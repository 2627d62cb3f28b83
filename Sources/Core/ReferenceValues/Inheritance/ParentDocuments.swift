internal import ByteParsing
internal import TPMCryptography
internal import TPMStructures

/// Documents that sets may rest on, each found by its exact bytes: for whoever has files and no verifier (decision 0025).
public struct ParentDocuments: Sendable {
    private struct Document {
        /// What to call it in a refusal: the file's name.
        let label: String
        let sha256: [UInt8]
        let set: ReferenceSet
    }
    private let documents: [Document]

    /// A document that does not read.
    public struct Refusal: Error, Sendable {
        public let label: String
        public let error: ReferenceSetError
    }

    public init(_ documents: [(label: String, bytes: [UInt8])]) throws(Refusal) {
        var read: [Document] = []
        for (label, bytes) in documents {
            do throws(ReferenceSetError) {
                read.append(
                    Document(
                        label: label, sha256: MessageDigest.hash(bytes, .sha256).bytes,
                        set: try ReferenceSet(parsing: bytes)))
            } catch { throw Refusal(label: label, error: error) }
        }
        self.documents = read
    }

    /// The set over those that it rests on, up to the first that rests on none; a set without a parent as it is.
    ///
    /// Says nothing of approvals and signatures: whoever gives the documents vouches for them, the child's pin only says that
    /// these are the bytes that its author meant.
    ///
    /// - Parameter used: takes the labels of the documents that the line is made of.
    /// - Throws: `POL_PARENT` for a parent that is missing, of other bytes or of another name, and for a line of more than
    ///   ``ReferenceSet/longestLine``; what ``ReferenceSet/inheriting(from:)`` finds.
    public func effective(
        _ child: ReferenceSet, used: inout Set<String>
    ) throws(ReferenceSetError) -> ReferenceSet {
        var line = [child]
        while let parent = line.last?.extends {
            guard line.count < ReferenceSet.longestLine else {
                throw Self.problem("more than \(ReferenceSet.longestLine) sets rest on each other")
            }
            let document = try find(parent)
            used.insert(document.label)
            line.append(document.set)
        }
        guard var result = line.popLast() else { return child }
        while let next = line.popLast() { result = try next.inheriting(from: result) }
        return result
    }

    private func find(_ parent: ReferenceSet.Parent) throws(ReferenceSetError) -> Document {
        let wanted = Hex.decode(parent.documentSHA256)
        guard let found = documents.first(where: { $0.sha256 == wanted }) else {
            let sameName = documents.filter { $0.set.name == parent.name }
                .map { ", and \($0.label) is another document of it, SHA-256 \(Hex.encode($0.sha256))" }
            throw Self.problem(
                "the set rests on \(parent), the document of SHA-256 \(parent.documentSHA256), which is not given"
                    + sameName.joined())
        }
        guard found.set.name == parent.name else {
            throw Self.problem("the set rests on \(parent), \(found.label) is the set \(found.set.name)")
        }
        return found
    }

    private static func problem(_ detail: String) -> ReferenceSetError {
        ReferenceSetError(ReferenceSetProblem(code: ReferenceSetProblem.parent, path: "extends", detail: detail))
    }
}

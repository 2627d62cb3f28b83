public enum ReferenceStatus: String, Hashable, Sendable, Codable, CaseIterable {
    case draft, proposed, approved, active, rejected, retired
}

public struct ReferenceView: Hashable, Sendable, Codable {
    public var name: String
    public var version: Int
    public var status: ReferenceStatus
    /// Hex of SHA-256 over the exact document bytes; what an approval names.
    public var documentSHA256: String
    public var group: String
    public var layers: [String]
    public var createdBy: String
    public var proposedBy: String?
    public var approvedBy: String?
    /// True when one operator did both in lab mode; shows in every result.
    public var labMode: Bool
    public var note: String?
    public var createdAtMilliseconds: Int64
    public var validUntilMilliseconds: Int64?

    public init(
        name: String, version: Int, status: ReferenceStatus, documentSHA256: String, group: String,
        layers: [String], createdBy: String, proposedBy: String?, approvedBy: String?, labMode: Bool, note: String?,
        createdAtMilliseconds: Int64, validUntilMilliseconds: Int64?
    ) {
        self.name = name
        self.version = version
        self.status = status
        self.documentSHA256 = documentSHA256
        self.group = group
        self.layers = layers
        self.createdBy = createdBy
        self.proposedBy = proposedBy
        self.approvedBy = approvedBy
        self.labMode = labMode
        self.note = note
        self.createdAtMilliseconds = createdAtMilliseconds
        self.validUntilMilliseconds = validUntilMilliseconds
    }
}

/// `POST /v1/references`: a draft from a document, or captured from the stored evidence of nodes.
public struct ReferenceDraftRequest: Hashable, Sendable, Codable {
    public var name: String
    /// The group whose nodes it is for.
    public var group: String
    /// The document's exact bytes; or nil, with `captureFrom`.
    public var document: WireBytes?
    public var captureFrom: [NodeID]
    public var note: String?
    public init(name: String, group: String, document: WireBytes?, captureFrom: [NodeID], note: String?) {
        self.name = name
        self.group = group
        self.document = document
        self.captureFrom = captureFrom
        self.note = note
    }
}

public struct ReferenceDetail: Hashable, Sendable, Codable {
    public var view: ReferenceView
    public var document: WireBytes
    /// Of a new capture: what was the same on all machines, what was not, and the rule proposed for it.
    public var capture: JSONValue?
    /// Who signed the document, oldest first; the verifier checked them again to answer.
    public var signatures: [ReferenceSignatureView]?
    /// Why the stored set judges nobody: it is not what was signed, or its parents are not there.
    public var signatureProblem: String?
    /// Of a set that rests on others: what it says together with them, as a document.
    public var effective: WireBytes?
    public init(
        view: ReferenceView, document: WireBytes, capture: JSONValue? = nil,
        signatures: [ReferenceSignatureView]? = nil, signatureProblem: String? = nil, effective: WireBytes? = nil
    ) {
        self.view = view
        self.document = document
        self.capture = capture
        self.signatures = signatures
        self.signatureProblem = signatureProblem
        self.effective = effective
    }
}

/// An operator's signature over one act on a version of a set: ECDSA with P-256 and SHA-256 over
/// ``ProtocolBinding/reference(act:version:document:)``.
public struct ReferenceSignatureView: Hashable, Sendable, Codable {
    public var act: ReferenceAct
    public var signer: String
    public var atMilliseconds: Int64
    /// r ‖ s, 64 bytes.
    public var signature: WireBytes
    /// DER, the signer's own first.
    public var certificates: [WireBytes]
    public init(
        act: ReferenceAct, signer: String, atMilliseconds: Int64, signature: WireBytes, certificates: [WireBytes]
    ) {
        self.act = act
        self.signer = signer
        self.atMilliseconds = atMilliseconds
        self.signature = signature
        self.certificates = certificates
    }
}

/// `POST /v1/references/{name}/{version}/{act}`.
public enum ReferenceAct: String, Hashable, Sendable, Codable, CaseIterable {
    case propose, approve, reject, activate, expire
}

public struct ReferenceActRequest: Hashable, Sendable, Codable {
    /// Must be the stored document's SHA-256 (hex), so that nobody approves what they did not see.
    public var documentSHA256: String
    public var reason: String
    /// The change's number in the operators' own system.
    public var ticket: String?
    /// `activate`: so many nodes may fail newly, in spite of the limit; only from another person than who proposed the set.
    public var acceptFailures: Int?
    /// `expire`: the set's new end, milliseconds since 1970 by the verifier's clock; nil for now.
    public var atMilliseconds: Int64?
    /// `propose`, `approve`: the operator's signature, see ``ReferenceSignatureView``.
    public var signature: WireBytes?
    public init(
        documentSHA256: String, reason: String, ticket: String? = nil, acceptFailures: Int? = nil,
        atMilliseconds: Int64? = nil, signature: WireBytes? = nil
    ) {
        self.documentSHA256 = documentSHA256
        self.reason = reason
        self.ticket = ticket
        self.acceptFailures = acceptFailures
        self.atMilliseconds = atMilliseconds
        self.signature = signature
    }
}

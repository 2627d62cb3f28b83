import AttestationMessages
import ByteParsing
import JSONCoding
import ReferenceValues
import SecurityEvents
import SoftwareTPM
import Testing
import VerifierService
import VerifierStore

/// Operators' use cases on a real SQLite store.
struct OperatorFixture: Sendable {
    let directory: TemporaryDirectory
    let store: any TransactionalStore
    let policy = VerifierPolicy()
    let issuer = RecordingIssuer()

    static let everyRole = Set(Role.allCases)
    let ada = OperatorPeer(name: "ada", roles: everyRole, keySHA256: "aa", source: "192.0.2.1")
    let bob = OperatorPeer(name: "bob", roles: everyRole, keySHA256: "bb", source: "192.0.2.2")
    /// Ada's key under another name.
    let adaAgain = OperatorPeer(name: "eve", roles: everyRole, keySHA256: "aa", source: "192.0.2.3")

    init() throws {
        directory = try TemporaryDirectory()
        try SQLiteStore.create(path: directory.file("store.sqlite"))
        store = try SQLiteStore(
            path: directory.file("store.sqlite"), auditKey: [UInt8](repeating: 7, count: SQLiteStore.auditKeySize))
    }

    /// The same file opened again, as after a crash.
    func reopened() throws -> any TransactionalStore {
        try SQLiteStore(
            path: directory.file("store.sqlite"), auditKey: [UInt8](repeating: 7, count: SQLiteStore.auditKeySize))
    }

    var nodes: NodeService { NodeService(store: store, random: SystemRandom(), policy: policy) }
    func references(labMode: Bool = false) -> ReferenceService { ReferenceService(store: store, labMode: labMode) }
    func fingerprints(labMode: Bool = false) -> FingerprintService {
        FingerprintService(store: store, policy: policy, labMode: labMode)
    }
    var oversight: OversightService {
        OversightService(
            store: store, policy: policy, issuer: issuer,
            facts: VerifierFacts(version: "1", labMode: false, certificateExpiry: { 42 }))
    }

    // MARK: What is stored

    /// A node as an enrollment leaves it.
    @discardableResult
    func enroll(
        _ name: String, ek: UInt8 = 1, lifecycle: NodeLifecycle = .enrolled, standing: NodeStanding = .unproven,
        failedVerdict: String? = nil, akPublic: [UInt8] = [2]
    ) async throws -> NodeID {
        let id = try #require(NodeID(name))
        try await store.write { tx in
            let identityID = try tx.insert(
                IdentityRecord(
                    identityID: 0, nodeID: id, status: .active, ekName: Self.name(ek), ekPublic: [1],
                    ekSPKISHA256: [UInt8](repeating: ek, count: 32), ekCertificates: [], ekTrust: .inventoryVouched,
                    tpmManufacturer: nil, tpmModel: nil, tpmFirmware: nil, akName: Self.name(ek &+ 100),
                    akPublic: akPublic, akQualifiedName: [3], nodeKeySPKI: [4], createdAtMilliseconds: tx.now,
                    retiredAtMilliseconds: nil))
            try tx.save(
                NodeRecord(
                    nodeID: id, lifecycle: lifecycle, standing: standing, failedVerdictID: failedVerdict,
                    site: "lab", group: "default", assetTag: nil, platform: PlatformIdentity(),
                    identityID: identityID, enrolledAtMilliseconds: tx.now, pendingUntilMilliseconds: nil,
                    pendingReason: lifecycle == .pending ? "ID_EK_NOT_IN_INVENTORY" : nil, source: "198.51.100.1",
                    stateSinceMilliseconds: tx.now, shownState: .pending, attestRequested: false, version: 1))
            if let failedVerdict {
                try tx.insert(
                    StickyFail(
                        nodeID: id, ekName: Self.name(ek), verdictID: failedVerdict, atMilliseconds: tx.now))
            }
        }
        return id
    }

    static func name(_ seed: UInt8) -> [UInt8] { [0, 11] + [UInt8](repeating: seed, count: 32) }

    func node(_ id: NodeID) async throws -> NodeRecord? { try await store.read { try $0.node(id) } }
    func events() async throws -> [SecurityEvent] { try await store.read { try $0.outbox(after: 0, limit: 1_000) } }
    func lastAudit() async throws -> AuditRecordView? {
        try await store.read { try $0.auditRecords(before: nil, limit: 1).first }
    }

    // MARK: Documents

    static func document(
        _ name: String = "golden", group: String = "default", digest: String = String(repeating: "ab", count: 32)
    ) throws -> [UInt8] {
        try ReferenceSet(
            name: name, group: group, provenance: ["test"], banks: ["sha256"],
            layers: [ReferenceSet.LayerRule(id: .tpmIdentity), ReferenceSet.LayerRule(id: .secureBoot)],
            pcrs: [
                ReferenceSet.PCRRule(values: [["sha256": digest]], pcr: 7),
                ReferenceSet.PCRRule(ignoring: "no shim", pcr: 14),
            ]
        ).encoded()
    }

    /// A proposed version, ready for a second person.
    func proposed(by peer: OperatorPeer, labMode: Bool = false, digest: String = String(repeating: "ab", count: 32))
        async throws -> ReferenceView
    {
        let draft = try await references().draft(
            ReferenceDraftRequest(
                name: "golden", group: "default", document: WireBytes(try Self.document(digest: digest)),
                captureFrom: [], note: nil), peer: peer
        ).view
        return try await references(labMode: labMode).act(
            .propose, on: "golden", version: draft.version, Self.acts(draft), peer: peer)
    }

    static func acts(_ view: ReferenceView) -> ReferenceActRequest {
        ReferenceActRequest(documentSHA256: view.documentSHA256, reason: "test")
    }
}

/// Issues nothing: gives each request back as certificate; its first byte stands for the key.
struct RecordingIssuer: OperatorCertificateIssuer {
    func operatorCertificate(
        name: String, certificateRequest: [UInt8], nowMilliseconds: Int64
    ) throws -> IssuedOperatorCertificate {
        guard let first = certificateRequest.first else { throw ServiceError(.invalid, "OPERATOR_CSR", "empty") }
        return IssuedOperatorCertificate(
            certificates: [certificateRequest], keySHA256: Hex.encode([UInt8](repeating: first, count: 32)))
    }
}

/// The reason code that a call is refused with; nil when it succeeds.
func refusalCode(_ body: () async throws -> some Any) async throws -> String? {
    do {
        _ = try await body()
        return nil
    } catch let error as ServiceError {
        return error.code
    }
}

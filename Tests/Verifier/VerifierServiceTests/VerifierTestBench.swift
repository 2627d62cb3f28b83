import Appraisal
import AttestationMessages
import AttestationTestKit
import ByteParsing
import Crypto
import Foundation
import JSONCoding
import Logging
import ReferenceValues
import SecurityEvents
import Synchronization
import TPMCryptography
import TPMStructures
import TestVectors
import VerifierService
import VerifierStore

/// The node-facing services over a real store in a folder of its own, with a clock that the test moves.
final class VerifierTestBench: Sendable {
    let folder: URL
    let store: SQLiteStore
    let enrollment: EnrollmentService
    let attestation: AttestationService
    let admission: AdmissionService
    let monitor: StaleMonitor
    let policy: VerifierPolicy
    static let interval: Int64 = 300_000

    /// - Parameter references: whether a reference set of the committed golden boot is active.
    convenience init(references: Bool = true, policy: VerifierPolicy = VerifierPolicy()) async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("bootgate-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try SQLiteStore.create(path: Self.path(in: folder))
        try self.init(storeIn: folder, policy: policy, time: BenchTime(), predecessor: nil)
        if references { try await activateGolden() }
    }

    /// The verifier is stopped, and another one started on the same store.
    ///
    /// - Parameter tampering: what happens to the file between.
    func restarted(tampering: (_ storePath: String) throws -> Void = { _ in }) throws -> VerifierTestBench {
        try store.close()
        try tampering(Self.path(in: folder))
        return try VerifierTestBench(storeIn: folder, policy: policy, time: benchTime, predecessor: self)
    }

    private init(
        storeIn folder: URL, policy: VerifierPolicy, time clock: BenchTime, predecessor: VerifierTestBench?
    ) throws {
        self.folder = folder
        self.policy = policy
        self.predecessor = predecessor
        benchTime = clock
        store = try SQLiteStore(
            path: Self.path(in: folder), auditKey: [UInt8](repeating: 7, count: 32),
            time: TimeSource(bootTime: { clock.now }, wallTime: { 1_700_000_000_000 }))
        enrollment = EnrollmentService(
            store: store, endorsements: NoCertificates(), issuer: StubIdentityIssuer(), policy: policy)
        attestation = AttestationService(store: store, policy: policy)
        admission = AdmissionService(store: store, issuer: StubAdmissionIssuer(), policy: policy)
        monitor = StaleMonitor(
            store: store, attestation: attestation, policy: policy, logger: Logger(label: "test"))
    }

    private let benchTime: BenchTime
    /// Owns the folder that a restarted verifier goes on in.
    private let predecessor: VerifierTestBench?
    private static func path(in folder: URL) -> String { folder.appendingPathComponent("store.sqlite").path }

    deinit { if predecessor == nil { try? FileManager.default.removeItem(at: folder) } }

    func advance(_ milliseconds: Int64) { benchTime.advance(milliseconds) }

    private func activateGolden() async throws {
        let node = try SoftwareNode("reference")
        let document = try ReferenceCapture.draft(
            name: "golden", group: "default",
            from: [.init(pcrs: node.attestedPCRs(), eventLog: node.eventLog, label: "test")]
        ).encoded()
        try await store.write { tx in
            try tx.save(
                ReferenceRecord(
                    name: "golden", version: 1, status: .active, group: "default", document: document,
                    documentSHA256: Array(SHA256.hash(data: document)), layers: [], createdBy: "a", proposedBy: "a",
                    proposedByKeySHA256: "1", approvedBy: "b", approvedByKeySHA256: "2", labMode: false, note: nil,
                    createdAtMilliseconds: tx.now, validUntilMilliseconds: nil))
        }
    }

    // MARK: Steps

    func addToManifest(_ node: SoftwareNode, token: String? = nil) async throws {
        let name = node.ekName
        try await store.write { tx in
            let salt = [UInt8](repeating: 3, count: ManifestToken.saltSize)
            try tx.save(
                ManifestRecord(
                    nodeID: node.id, ekName: name, ekSPKISHA256: nil, ekIssuer: nil, ekSerial: nil, assetTag: "T-1",
                    site: "berlin", group: nil, tokenSalt: token == nil ? nil : salt,
                    tokenHash: token.map { ManifestToken.hash($0, salt: salt) }, tokenUsedAtMilliseconds: nil,
                    addedBy: "operator", addedAtMilliseconds: tx.now))
        }
    }

    /// The factory names the EK of another entry for this node now.
    func addToManifestReplacing(_ node: SoftwareNode) async throws {
        try await store.write { tx in
            for entry in try tx.manifestEntries(after: nil, limit: 100) { try tx.deleteManifestEntry(entry.nodeID) }
        }
        try await addToManifest(node)
    }

    @discardableResult
    func enroll(_ node: SoftwareNode, token: String? = nil) async throws -> EnrollmentResult {
        let (challenge, request) = try await node.activation(self, token: token)
        return try await enrollment.activate(enrollmentID: challenge.enrollmentID, request, peer: node.enrollmentPeer)
    }

    func enrolled(_ name: String = "n1") async throws -> SoftwareNode {
        let node = try SoftwareNode(name)
        try await addToManifest(node)
        try await enroll(node)
        return node
    }

    /// A whole exchange, uploads included.
    @discardableResult
    func attest(_ node: SoftwareNode) async throws -> EvidenceReply {
        let submission = try await node.evidence(self)
        return try await finish(try await attestation.submit(submission, node: node.peer), node)
    }

    func finish(_ first: EvidenceReply, _ node: SoftwareNode) async throws -> EvidenceReply {
        var reply = first
        while let need = reply.need.first, let log = EvidenceLog(need.log) {
            let bytes =
                switch log {
                case .eventLog: node.eventLog
                case .measurementList: node.measurements?.bytes ?? []
                case .fingerprint: node.reports[log.description] ?? []
                }
            reply = try await attestation.upload(
                evidenceID: reply.evidenceID, log: log, offset: need.offset,
                bytes: Array(bytes.dropFirst(need.offset).prefix(30_000)), node: node.peer)
        }
        return reply
    }

    func decision(_ node: SoftwareNode) async throws -> String {
        let reply = try await admission.admission(
            of: node.id, audience: "test", asker: .consumer(Self.consumer))
        return reply.decision == .admit ? "admit" : reply.reason ?? "?"
    }

    static let consumer = OperatorPeer(name: "c", roles: [.relyingParty], keySHA256: "00", source: "test")

    func record(_ node: SoftwareNode) async throws -> NodeRecord? { try await store.read { try $0.node(node.id) } }

    /// Everything that lies in the store's files.
    func storedBytes() throws -> [UInt8] {
        try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
            .reduce(into: []) { $0 += [UInt8](try Data(contentsOf: $1)) }
    }

    func events() async throws -> [SecurityEvent] { try await store.read { try $0.outbox(after: 0, limit: 1000) } }
}

final class BenchTime: Sendable {
    private let value = Atomic<Int64>(1_000_000)
    var now: Int64 { value.load(ordering: .relaxed) }
    func advance(_ milliseconds: Int64) { value.add(milliseconds, ordering: .relaxed) }
}

struct NoCertificates: EndorsementChecking {
    func check(_ key: EndorsementKey, certificates: [[UInt8]], now: Int64) -> EKEndorsement {
        EKEndorsement(isCertified: false)
    }
}

struct StubIdentityIssuer: IdentityCertificateIssuer {
    func identityCertificate(node: NodeID, spki: [UInt8], nowMilliseconds: Int64) -> [[UInt8]] { [spki] }
}

struct StubAdmissionIssuer: AdmissionIssuer {
    func admissionCertificate(
        node: NodeID, bootKeySPKI: [UInt8], evidenceAgeEndsMilliseconds: Int64, nowMilliseconds: Int64
    ) -> [[UInt8]] { [bootKeySPKI] }
    func attestationResult(_ statement: AdmissionStatement) -> String { statement.decision.rawValue }
    func overrideToken(_ statement: OverrideStatement) -> String { statement.overrideID }
}

/// The code of the refusal that `body` ends with, and the verdict it names.
func nodeRefusal(_ body: () async throws -> Void) async -> ServiceError? {
    do {
        try await body()
        return nil
    } catch { return error as? ServiceError }
}

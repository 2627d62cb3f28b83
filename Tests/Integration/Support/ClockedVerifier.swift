import Admission
import AttestationMessages
import Crypto
import Logging
import NIOSSL
import ServiceLifecycle
import SoftwareTPM
import Synchronization
import TPMCryptography
import VerifierAPI
import VerifierService
import VerifierStore
import X509

/// A whole verifier in this process, with real listeners, services and store, whose time the test moves.
final class ClockedVerifier: VerifierPlace, Sendable {
    let directory: TemporaryDirectory
    let mainPort: Int
    let enrollmentPort: Int
    let nodes: NodeService
    let references: ReferenceService
    let admission: AdmissionService
    let monitor: StaleMonitor
    let store: SQLiteStore
    let policy: VerifierService.VerifierPolicy
    private let time: MovedTime

    static let ada = OperatorPeer(name: "ada", roles: Set(Role.allCases), keySHA256: "aa", source: "test")
    static let bob = OperatorPeer(name: "bob", roles: Set(Role.allCases), keySHA256: "bb", source: "test")

    var caFile: String { directory.file("server-ca.pem") }

    /// Moves CLOCK_BOOTTIME as the store reads it.
    func advance(seconds: Int64) { time.offset.add(seconds * 1000, ordering: .relaxed) }

    private final class MovedTime: Sendable {
        let offset = Atomic<Int64>(0)
    }

    // MARK: Life

    /// Runs a verifier as long as `body`.
    static func run(_ body: @Sendable @escaping (ClockedVerifier) async throws -> Void) async throws {
        let parts = try await Parts()
        let loopback = ServerSettings.Address(host: "127.0.0.1", port: 0)
        let (listening, announce) = AsyncStream<(ListenerKind, Int)>.makeStream()
        let store = parts.store
        let servers = VerifierServers(
            settings: ServerSettings(main: loopback, enrollment: loopback, loopback: nil),
            useCases: try parts.useCases(), tls: try ReloadableTLS(try parts.material()),
            metrics: MetricsRegistry(), logger: parts.logger, now: { store.clock.now() },
            onListening: { announce.yield(($0, $1)) })
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(services: servers.services, logger: parts.logger))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            tasks.addTask {
                var ports: [ListenerKind: Int] = [:]
                for await (listener, port) in listening {
                    ports[listener] = port
                    if ports.count == 2 { break }
                }
                let verifier = try ClockedVerifier(parts, ports)
                do { try await body(verifier) } catch {
                    await group.triggerGracefulShutdown()
                    throw error
                }
                await group.triggerGracefulShutdown()
            }
            try await tasks.waitForAll()
        }
    }

    private init(_ parts: Parts, _ ports: [ListenerKind: Int]) throws {
        directory = parts.directory
        mainPort = ports[.main] ?? 0
        enrollmentPort = ports[.enrollment] ?? 0
        nodes = parts.nodes
        references = parts.references
        admission = parts.admission
        store = parts.store
        policy = parts.policy
        monitor = StaleMonitor(
            store: parts.store, attestation: parts.attestation, policy: parts.policy, logger: parts.logger)
        time = parts.time
        let authority = parts.authority(.server)
        try directory.write(Array(try CertificateEncoding.pem([authority.certificate]).utf8), to: "server-ca.pem")
    }

    /// What `bootgate-verifier run` composes, over the moved clock.
    private struct Parts: Sendable {
        let directory: TemporaryDirectory
        let store: SQLiteStore
        let time = MovedTime()
        let policy: VerifierService.VerifierPolicy
        let attestation: AttestationService
        let admission: AdmissionService
        let nodes: NodeService
        let references: ReferenceService
        let signer: AttestationResultSigner
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        private let authorities: [CertificateAuthority.Purpose: CertificateAuthority]

        func authority(_ purpose: CertificateAuthority.Purpose) -> CertificateAuthority { authorities[purpose]! }

        init() async throws {
            let time = time
            directory = try TemporaryDirectory()
            let path = directory.file("store.sqlite")
            try SQLiteStore.create(path: path)
            let system = TimeSource.system
            store = try SQLiteStore(
                path: path, auditKey: [UInt8](repeating: 7, count: SQLiteStore.auditKeySize),
                time: TimeSource(
                    bootTime: { system.bootTime() + time.offset.load(ordering: .relaxed) }, wallTime: system.wallTime))
            var policy = VerifierService.VerifierPolicy()
            policy.defaultSettings.attestationIntervalSeconds = 1
            self.policy = policy
            let now = store.clock.now()
            var authorities: [CertificateAuthority.Purpose: CertificateAuthority] = [:]
            for purpose in CertificateAuthority.Purpose.allCases {
                authorities[purpose] = try CertificateAuthority.create(
                    purpose, instance: "test", key: P256.Signing.PrivateKey(), nowMilliseconds: now)
            }
            self.authorities = authorities
            signer = try await AttestationResultSigner(
                authority: authorities[.admission]!, issuer: "urn:test", build: "test", key: P256.Signing.PrivateKey(),
                previous: nil)
            attestation = AttestationService(store: store, policy: policy)
            admission = AdmissionService(store: store, issuer: signer, policy: policy)
            nodes = NodeService(store: store, random: SystemRandom(), policy: policy)
            references = ReferenceService(store: store, labMode: false)
        }

        func useCases() throws -> APIUseCases {
            let issuer = CertificateIssuer(identity: authority(.identity), operators: authority(.operator))
            return APIUseCases(
                enrollment: EnrollmentService(
                    store: store, endorsements: InventoryOnly(), issuer: issuer, policy: policy),
                attestation: attestation, admission: admission,
                overrides: OverrideService(store: store, issuer: signer, random: SystemRandom(), labMode: false),
                nodes: nodes, references: references,
                plans: PlanService(store: store, labMode: false, policy: policy),
                fingerprints: FingerprintService(store: store, policy: policy, labMode: false),
                oversight: OversightService(
                    store: store, policy: policy, issuer: issuer,
                    facts: VerifierFacts(version: "test", labMode: false, certificateExpiry: { nil })),
                keySet: { [signer] in try signer.keySet.json() }, readiness: { .ready }, gauges: { [] })
        }

        func material() throws -> TLSMaterial {
            let key = P256.Signing.PrivateKey()
            let names = ["localhost", "127.0.0.1"].compactMap(ServerName.init)
            let certificate = try authority(.server).issue(
                .server(names, Certificate.PublicKey(key.publicKey), nowMilliseconds: store.clock.now()))
            return TLSMaterial(
                certificateChain: [
                    try NIOSSLCertificate(bytes: try CertificateEncoding.der(certificate), format: .der)
                ], privateKey: try NIOSSLPrivateKey(bytes: Array(key.pemRepresentation.utf8), format: .pem),
                trust: PeerTrust(
                    nodeRoots: [authority(.identity).certificate], operatorRoots: [authority(.operator).certificate]))
        }
    }

    /// The inventory vouches for the EK; its certificate is judged elsewhere.
    private struct InventoryOnly: EndorsementChecking {
        func check(_ key: EndorsementKey, certificates: [[UInt8]], now: Int64) -> EKEndorsement {
            EKEndorsement(isCertified: false)
        }
    }

    // MARK: Operators

    func add(_ node: NodeID, ekSPKISHA256: String) async throws {
        _ = try await nodes.importManifest(
            ManifestImport(entries: [ManifestEntry(nodeID: node, ekSPKISHA256: ekSPKISHA256)]), peer: Self.ada)
    }

    /// What the node booted becomes the reference: proposed by one person, approved by another.
    func activateReferences(from node: NodeID) async throws {
        let draft = try await references.draft(
            ReferenceDraftRequest(name: "mec", group: "default", document: nil, captureFrom: [node], note: nil),
            peer: Self.ada
        ).view
        let request = ReferenceActRequest(documentSHA256: draft.documentSHA256, reason: "test")
        for (act, peer) in [(ReferenceAct.propose, Self.ada), (.approve, Self.bob), (.activate, Self.ada)] {
            _ = try await references.act(act, on: "mec", version: draft.version, request, peer: peer)
        }
    }

    // MARK: Consumers

    func admission(_ node: NodeID) async throws -> AdmissionReply {
        try await admission.admission(of: node, audience: "test", asker: .consumer(Self.ada))
    }

    func record(_ node: NodeID) async throws -> NodeRecord? { try await store.read { try $0.node(node) } }

    func lastVerdict(_ node: NodeID) async throws -> VerdictRecord? {
        try await store.read { try $0.verdicts(of: node, before: nil, limit: 1).first }
    }
}

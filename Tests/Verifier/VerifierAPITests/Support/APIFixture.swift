import AttestationMessages
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import JSONCoding
import Logging
import NIOCore
import VerifierAPI
import VerifierService

/// The API without connections: one peer for all requests.
struct APIFixture {
    static let now: Int64 = 1_800_000_000_000
    let fake: FakeUseCases
    let metrics = MetricsRegistry()
    let table: RouteTable
    var load = LoadLimits.Settings()

    init(_ fake: FakeUseCases = FakeUseCases()) {
        self.fake = fake
        table = RouteTable(Self.useCases(fake), metrics: metrics)
    }

    static func useCases(_ fake: FakeUseCases) -> APIUseCases {
        APIUseCases(
            enrollment: fake, attestation: fake, admission: fake, overrides: fake, nodes: fake, references: fake,
            plans: fake, fingerprints: fake,
            oversight: fake, keySet: { Array("{\"keys\":[]}".utf8) }, readiness: { fake.readiness }, gauges: { [] })
    }

    static let validity: ClosedRange<Int64> = (now - 1000)...(now + 1000)
    static func node(_ id: String, validity: ClosedRange<Int64>? = validity) -> PresentedPeer {
        PresentedPeer(.node(NodeID(id)!, spki: [1]), validity: validity)
    }
    static func person(_ name: String) -> PresentedPeer {
        PresentedPeer(.person(name: name, keySHA256: "00"), validity: validity)
    }
    static let keyHolder = PresentedPeer(.keyHolder(spki: [1]), validity: nil)

    func withClient<Value: Sendable>(
        on listener: ListenerKind, as peer: PresentedPeer?,
        _ body: @Sendable (any TestClientProtocol) async throws -> Value
    ) async throws -> Value {
        let connection = ConnectionPeer(source: "192.0.2.1", presented: peer)
        let gate = RequestGate(
            oversight: fake, load: LoadLimits(load), metrics: metrics, now: { Self.now }, peer: { connection })
        let app = Application(router: APIRouter.router(for: listener, table: table, gate: gate), logger: Self.logger)
        return try await app.test(.router) { client in try await body(client) }
    }

    static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// One request as `peer`; JSON bodies get their content type.
    func send(
        _ method: HTTPRequest.Method, _ path: String, on listener: ListenerKind = .main, as peer: PresentedPeer?,
        headers: HTTPFields = [:], body: [UInt8]? = nil
    ) async throws -> (status: Int, code: String?, body: String) {
        try await withClient(on: listener, as: peer) { client in
            var headers = headers
            if let body, headers[.contentLength] == nil {
                headers[.contentLength] = "\(body.count)"
                if headers[.contentType] == nil { headers[.contentType] = "application/json" }
            }
            return try await client.execute(
                uri: path, method: method, headers: headers, body: body.map { ByteBuffer(bytes: $0) }
            ) { response in
                let bytes = Array(buffer: response.body)
                let problem = try? StrictJSON.decode(Problem.self, from: bytes)
                return (response.status.code, problem?.code, String(decoding: bytes, as: UTF8.self))
            }
        }
    }

    /// A route's path with every capture filled by a value that its pattern takes.
    static func path(_ route: Route, node: String = "n1") -> String {
        let values = ["id": node, "version": "1", "kind": "accounts", "log": "event-log", "name": "alice"]
        var path = route.path
        for capture in route.captures {
            path = path.replacing("{\(capture)}", with: values[capture] ?? "x1")
        }
        if route.query.contains(where: { $0.name == "audience" }) { path += "?audience=mano" }
        return path
    }

    /// A body that the route decodes.
    static func body(_ route: Route) throws -> [UInt8]? {
        switch route.body {
        case .none: nil
        case .bytes: [1, 2, 3]
        case .json(let type, _): try sample(type)
        }
    }

    private static func sample(_ type: String) throws -> [UInt8] {
        let none = WireBytes([])
        let reference = ReferenceActRequest(documentSHA256: "00", reason: "because")
        switch type {
        case "EnrollmentRequest": return Array("{}".utf8)
        case "ActivationRequest":
            return try StrictJSON.encode(
                ActivationRequest(proof: none, nodeKeyCertifyInfo: none, nodeKeyCertifySignature: none))
        case "RenewalRequest":
            return try StrictJSON.encode(RenewalRequest(nodeID: NodeID("n1")!, ekName: none, akName: none))
        case "ChallengeRequest": return try StrictJSON.encode(ChallengeRequest(bootID: "b", agentRunID: "r"))
        case "EvidenceSubmission":
            return try StrictJSON.encode(
                EvidenceSubmission(challengeID: "c", quote: none, signature: none, claims: none, pcrs: nil, logs: []))
        case "ManifestImport": return try StrictJSON.encode(ManifestImport(entries: []))
        case "NodeActRequest": return try StrictJSON.encode(NodeActRequest(reason: "because"))
        case "ReferenceDraftRequest":
            return try StrictJSON.encode(
                ReferenceDraftRequest(name: "r", group: "g", document: none, captureFrom: [], note: nil))
        case "RevocationImport":
            return try StrictJSON.encode(RevocationImport(document: none, reason: "because"))
        case "OverrideProposal":
            return try StrictJSON.encode(OverrideProposal(reason: "because", untilMilliseconds: 1))
        case "OverrideActRequest": return try StrictJSON.encode(OverrideActRequest(reason: "because"))
        case "RolloutRequest":
            return try StrictJSON.encode(
                RolloutRequest(
                    documentSHA256: "00", reason: "because", ticket: "CHG-1", acceptFailures: 1, dwellMilliseconds: 1))
        case "PlanRequest":
            return try StrictJSON.encode(
                PlanRequest(
                    name: "p", reason: "because", ticket: "CHG-1", referenceSet: "r", version: 1,
                    startMilliseconds: 1, endMilliseconds: 2, nodes: [NodeID("n1")!], site: "s", nodeGroup: "g",
                    reboots: 1))
        case "PlanCloseRequest":
            return try StrictJSON.encode(PlanCloseRequest(reason: "because", activate: true, acceptFailures: 1))
        case "ReferenceActRequest": return try StrictJSON.encode(reference)
        case "ReferenceRollbackRequest":
            return try StrictJSON.encode(ReferenceRollbackRequest(reason: "because", ticket: nil))
        case "FingerprintBaselineRequest":
            return try StrictJSON.encode(FingerprintBaselineRequest(document: none, fromNode: nil, allow: []))
        case "GroupSettings": return try StrictJSON.encode(FakeUseCases.settings)
        case "OperatorRequest":
            return try StrictJSON.encode(OperatorRequest(name: "alice", roles: [.viewer], certificateRequest: nil))
        default: throw ServiceError(.unknown, "no sample of \(type)")
        }
    }
}

import AssetFingerprints
import AttestationMessages
import AttesterSession
import AttestingEnvironment
import ESAPI
import Foundation
import HostProcess
import Logging
import SoftwareTPM
import StubVerifier
import Synchronization
import Testing
import VerifierClient

/// Reports of a fixed content; counts the collections.
final class StubInventory: FingerprintCollecting {
    private let count = Mutex(0)
    var collections: Int { count.withLock { $0 } }
    func collect(_ kind: FingerprintKind) async throws -> [UInt8] {
        count.withLock { $0 += 1 }
        return Array("report of \(kind.slug)".utf8)
    }
}

/// Codes of the events that the agent logged.
final class CodeRecorder: Sendable {
    private let codes = Mutex<[String]>([])
    var all: [String] { codes.withLock { $0 } }
    func append(_ code: String) { codes.withLock { $0.append(code) } }
}

struct RecordingHandler: LogHandler {
    let recorder: CodeRecorder
    var logLevel = Logger.Level.trace
    var metadata: Logger.Metadata = [:]
    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }
    func log(event: LogEvent) { recorder.append(event.metadata?["code"].map { "\($0)" } ?? "-") }
}

/// A node: its TPM, its state, and the verifier it is told to trust.
final class TestNode: Sendable {
    let tpm: SoftwareTPM
    let folder: TemporaryDirectory
    let inventory = StubInventory()
    let codes = CodeRecorder()
    let authority: StubAuthority

    init() throws {
        tpm = try SoftwareTPM()
        folder = try TemporaryDirectory()
        authority = try StubAuthority()
        try folder.write((try StubAuthority.pem(authority.certificate)).utf8, to: "ca.pem")
        try folder.write((0..<40_000).map { UInt8(truncatingIfNeeded: $0 * 7) }, to: "eventlog")
    }

    /// Starts an agent that attests once, and compares what it is told.
    func expect(_ verdict: Verdict, port: Int, _ location: SourceLocation = #_sourceLocation) async throws {
        let told = try await session(port: port).once().get()
        #expect(told == verdict, sourceLocation: location)
    }

    /// A freshly started agent.
    func session(
        port: Int, attestation: SigningKeyTemplate = .attestationP256,
        bootID: String = "00000000-0000-0000-0000-000000000000",
        watchdog: Watchdog = Watchdog(microseconds: nil, process: nil)
    ) throws -> AttesterSession {
        let endpoint = try VerifierEndpoint(
            url: "https://127.0.0.1:\(port)", caFile: folder.file("ca.pem"), name: "localhost", checksDates: false)
        let recorder = codes
        return AttesterSession(
            configuration: SessionConfiguration(
                nodeID: NodeID("edge-17")!, enrollment: endpoint, verifier: endpoint,
                keys: KeyChoice(attestation: attestation), eventLogPath: folder.file("eventlog"),
                measurementListPath: folder.file("ima"), agentVersion: "t",
                configurationDigest: [UInt8](repeating: 1, count: 32), callTimeoutSeconds: 60),
            tpm: TPM(tcti: tpm.tcti), state: try StateDirectory.open(folder.file("state")), publication: publication,
            inventory: inventory, bootID: bootID,
            logger: Logger(label: "test") { _ in RecordingHandler(recorder: recorder) }, watchdog: watchdog)
    }

    var publication: PublicDirectory { PublicDirectory(folder.file("run")) }
}

@Suite("A session with a verifier", .enabled(if: SoftwareTPM.isAvailable, Comment(rawValue: SoftwareTPM.requirement)))
struct SessionTests {
    @Test("A node enrolls, attests, uploads what is asked for, and does not send it again")
    func honest() async throws {
        let node = try TestNode()
        let honest = HonestProtocol(node.authority)
        try await StubVerifier(authority: node.authority) { try honest.reply($0) }.run { server in
            try await node.expect(.pass, port: server.port)
            #expect(honest.withState { $0.problems } == [])
            let eventLog = try node.folder.read("eventlog")
            #expect(honest.withState { $0.uploads["event-log"] } == eventLog)
            #expect(
                honest.withState { $0.uploads["fingerprint-accounts"] } == Array("report of accounts".utf8))
            let before = server.requests.count
            try await node.expect(.pass, port: server.port)
            // Challenge, evidence and the admission only: the identity is on disk, the logs are known.
            #expect(server.requests.count == before + 3)
            #expect(honest.withState { $0.problems } == [])
        }
    }

    @Test("An RSA attestation key serves as well")
    func rsa() async throws {
        let node = try TestNode()
        let honest = HonestProtocol(node.authority)
        try await StubVerifier(authority: node.authority) { try honest.reply($0) }.run { server in
            let session = try node.session(port: server.port, attestation: .attestationRSA2048)
            let verdict = try await session.once().get()
            #expect(verdict == .pass)
            #expect(honest.withState { $0.problems } == [])
        }
    }

    @Test("A verdict of fail is handed on, and the node keeps its identity")
    func failing() async throws {
        let node = try TestNode()
        let honest = HonestProtocol(node.authority)
        honest.withState { $0.verdict = .fail }
        try await StubVerifier(authority: node.authority) { try honest.reply($0) }.run { server in
            try await node.expect(.fail, port: server.port)
            honest.withState { $0.verdict = .pass }
            try await node.expect(.pass, port: server.port)
            #expect(server.requests.filter { $0.path == "/v1/enrollments" }.count == 1)
        }
    }

    @Test("The daemon waits while it is pending, attests by the pushed interval, and stops when it is cancelled")
    func daemon() async throws {
        let node = try TestNode()
        let honest = HonestProtocol(node.authority)
        honest.withState {
            $0.startsPending = true
            $0.pendingReplies = 1
            $0.attestationIntervalSeconds = 1
        }
        try await StubVerifier(authority: node.authority) { try honest.reply($0) }.run { server in
            let session = try node.session(port: server.port)
            let work = Task { await session.run() }
            while honest.withState({ $0.verdicts }) < 3 { try await Task.sleep(for: .milliseconds(20)) }
            work.cancel()
            await work.value
            #expect(honest.withState { $0.problems } == [])
            // The interval of the only kind is an hour: one collection for all attestations.
            #expect(node.inventory.collections == 1)
            // Register values go up once: the later quotes have the same digest.
            #expect(honest.withState { $0.evidence.map { $0.pcrs == nil } }.prefix(3) == [false, true, true])
            let status = try AgentStatus.load(node.publication)
            #expect(status?.membership == "stopped" && status?.lastVerdict == .pass)
        }
    }

    @Test("TA-19: hostile challenges are logged as AGENT_BAD_CHALLENGE, and the agent lives to answer a good one")
    func hostileChallenges() async throws {
        let node = try TestNode()
        let honest = HonestProtocol(node.authority)
        let hostile = HostileChallenge.all.prefix(10).map(\.challenge)
        let sent = Counter()
        try await StubVerifier(authority: node.authority) { request in
            guard request.path.hasSuffix("/challenges") else { return try honest.reply(request) }
            let index = sent.next()
            return index < hostile.count ? try StubReply.json(201, hostile[index]) : try honest.reply(request)
        }.run { server in
            for _ in hostile {
                let result = try await node.session(port: server.port).once()
                #expect(throws: SessionFailure.self) { try result.get() }
            }
            #expect(node.codes.all.filter { $0 == "AGENT_BAD_CHALLENGE" }.count == hostile.count)
            #expect(server.requests.allSatisfy { !$0.path.hasSuffix("/evidence") })
            try await node.expect(.pass, port: server.port)
        }
    }

    @Test("A verifier that is down, and one that is not ours, leave the agent waiting; nothing is sent to the latter")
    func unreachable() async throws {
        let node = try TestNode()
        let honest = HonestProtocol(node.authority)
        try await StubVerifier(authority: try StubAuthority()) { try honest.reply($0) }.run { server in
            let result = try await node.session(port: server.port).once()
            let error = #expect(throws: SessionFailure.self) { try result.get() }
            #expect(error?.exitCode == 69)
            #expect(error?.code == "AGENT_UNTRUSTED_VERIFIER")
            #expect(server.requests.isEmpty)
        }
        let result = try await node.session(port: 1).once()
        let error = #expect(throws: SessionFailure.self) { try result.get() }
        #expect(error?.code == "AGENT_UNREACHABLE")
    }

    @Test("AG-02: an agent that finds another TPM's keys says AGENT_WRONG_TPM and does not use the old identity")
    func otherTPM() async throws {
        let node = try TestNode()
        let honest = HonestProtocol(node.authority)
        try await StubVerifier(authority: node.authority) { try honest.reply($0) }.run { server in
            _ = try await node.session(port: server.port).once().get()
            let other = try SoftwareTPM(.fresh)
            let endpoint = try VerifierEndpoint(
                url: "https://127.0.0.1:\(server.port)", caFile: node.folder.file("ca.pem"), name: "localhost")
            let recorder = node.codes
            let session = AttesterSession(
                configuration: SessionConfiguration(
                    nodeID: NodeID("edge-17")!, enrollment: endpoint, verifier: endpoint, agentVersion: "t",
                    configurationDigest: []),
                tpm: TPM(tcti: other.tcti), state: try StateDirectory.open(node.folder.file("state")),
                publication: node.publication, inventory: node.inventory, bootID: "b",
                logger: Logger(label: "test") { _ in RecordingHandler(recorder: recorder) })
            _ = await session.once()
            #expect(node.codes.all.contains("AGENT_WRONG_TPM"))
            #expect(server.requests.filter { $0.path == "/v1/enrollments" }.count == 2)
        }
    }
}

final class Counter: Sendable {
    private let value = Mutex(0)
    func next() -> Int {
        value.withLock { value in
            defer { value += 1 }
            return value
        }
    }
}

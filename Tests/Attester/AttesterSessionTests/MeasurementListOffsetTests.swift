import AttestationMessages
import AttesterSession
import Foundation
import SoftwareTPM
import StubVerifier
import Synchronization
import Testing

/// What a verifier says of the measurement list, and what the node sends then.
private final class ListKeeper: Sendable {
    struct State: Sendable {
        /// Offsets that are refused with `IMA_OFFSET` and this one, in order; then evidence is taken.
        var corrections: [Int] = []
        var submissions: [EvidenceSubmission] = []
        var uploads: [(offset: String, bytes: [UInt8])] = []
    }
    let state: Mutex<State>
    private let honest: HonestProtocol

    init(_ honest: HonestProtocol, corrections: [Int]) {
        self.honest = honest
        state = Mutex(State(corrections: corrections))
        honest.withState { $0.measurementListOffset = 0 }
    }

    /// Asks for the list where it is not in the submission; its first upload is answered as the second of two equal ones.
    func reply(_ request: StubRequest) throws -> StubReply {
        if request.path.hasSuffix("/evidence") {
            let message = try JSONDecoder().decode(EvidenceSubmission.self, from: Data(request.body))
            let correction = state.withLock { state in
                state.submissions.append(message)
                return state.corrections.isEmpty ? nil : state.corrections.removeFirst()
            }
            if let correction { return try Self.refusal(correction) }
            guard let list = message.measurementList, !list.isWhole else { return try honest.reply(request) }
            return try StubReply.json(202, Self.asking(for: list.offset))
        }
        guard request.path.contains("/logs/ima") else { return try honest.reply(request) }
        let offset = String(request.path.split(separator: "=").last ?? "")
        let count = state.withLock { state in
            state.uploads.append((offset, request.body))
            return state.uploads.count
        }
        guard count > 1, let end = Int(offset) else { return try Self.refusal((Int(offset) ?? 0) + request.body.count) }
        return try StubReply.json(
            200,
            EvidenceReply(
                evidenceID: "ev-1", verdict: .pass, verdictID: "v-\(end)", need: [], nextAttestationInSeconds: 300,
                nextChallenge: nil))
    }

    private static func refusal(_ offset: Int) throws -> StubReply {
        try StubReply.json(409, Problem(code: "IMA_OFFSET", reference: "r", offset: offset))
    }

    private static func asking(for offset: Int) -> EvidenceReply {
        EvidenceReply(
            evidenceID: "ev-1", verdict: nil, verdictID: nil, need: [LogNeed(log: "ima", offset: offset)],
            nextAttestationInSeconds: nil, nextChallenge: nil)
    }
}

@Suite(
    "A verifier that wants the measurement list from elsewhere",
    .enabled(if: SoftwareTPM.isAvailable, Comment(rawValue: SoftwareTPM.requirement)))
struct MeasurementListOffsetTests {
    private static let list = (0..<5000).map { UInt8(truncatingIfNeeded: $0 * 11) }

    @Test("QF-26: told another offset, the node sends the same quote with the list from there")
    func continues() async throws {
        let node = try TestNode()
        try node.folder.write(Self.list, to: "ima")
        let honest = HonestProtocol(node.authority)
        let keeper = ListKeeper(honest, corrections: [1234])
        try await StubVerifier(authority: node.authority) { try keeper.reply($0) }.run { server in
            try await node.expect(.pass, port: server.port)
            #expect(server.requests.filter { $0.path.hasSuffix("/challenges") }.count == 1)
        }
        let sent = keeper.state.withLock { $0.submissions }
        #expect(sent.map(\.measurementList?.offset) == [0, 1234])
        #expect(sent.last?.measurementList?.bytes.bytes == Array(Self.list[1234...]))
        #expect(sent.last?.measurementList?.end == Self.list.count)
        var first = try #require(sent.first)
        first.measurementList = sent.last?.measurementList
        #expect(first == sent.last, "nothing but the list changed")
        #expect(honest.withState { $0.problems } == [])
    }

    @Test("A verifier that never has enough is left after two corrections", arguments: [0, 1, 5000])
    func neverEnough(offset: Int) async throws {
        let node = try TestNode()
        try node.folder.write(Self.list, to: "ima")
        let keeper = ListKeeper(HonestProtocol(node.authority), corrections: [Int](repeating: offset, count: 10))
        try await StubVerifier(authority: node.authority) { try keeper.reply($0) }.run { server in
            let result = try await node.session(port: server.port).once()
            #expect((try? result.get()) == nil)
        }
        #expect(keeper.state.withLock { $0.submissions.count } == 3)
    }

    @Test("An offset outside every list is not followed", arguments: [-1, (64 << 20) + 1])
    func hostileOffset(offset: Int) async throws {
        let node = try TestNode()
        try node.folder.write(Self.list, to: "ima")
        let keeper = ListKeeper(HonestProtocol(node.authority), corrections: [offset])
        try await StubVerifier(authority: node.authority) { try keeper.reply($0) }.run { server in
            let result = try await node.session(port: server.port).once()
            #expect((try? result.get()) == nil)
        }
        #expect(keeper.state.withLock { $0.submissions.count } == 1)
    }

    @Test("An upload that had arrived already is taken as sent, and the node asks what is open")
    func uploadedTwice() async throws {
        let node = try TestNode()
        let long = (0..<(MeasurementListPart.longestInline + 1000)).map { UInt8(truncatingIfNeeded: $0 * 13) }
        try node.folder.write(long, to: "ima")
        let keeper = ListKeeper(HonestProtocol(node.authority), corrections: [])
        try await StubVerifier(authority: node.authority) { try keeper.reply($0) }.run { server in
            try await node.expect(.pass, port: server.port)
        }
        let uploads = keeper.state.withLock { $0.uploads }
        #expect(uploads.map(\.offset) == ["0", "\(long.count)"])
        #expect(uploads.first?.bytes == long && uploads.last?.bytes == [])
        #expect(keeper.state.withLock { $0.submissions.last?.measurementList?.bytes.bytes } == [])
    }
}

import AttestationMessages
import AttesterSession
import SoftwareTPM
import StubVerifier
import Testing

struct Interruption: CustomTestStringConvertible, Sendable {
    /// End of the path of the message after which everything the agent holds in memory is lost.
    var message: String
    /// Whether the verifier had acted on it.
    var wasProcessed: Bool
    var testDescription: String { "\(message), \(wasProcessed ? "after" : "before") the verifier acted" }

    static let all = ["/enrollments", "/activation", "/challenges", "/evidence"].flatMap { message in
        [false, true].map { Interruption(message: message, wasProcessed: $0) }
    }
}

@Suite("Interrupted runs", .enabled(if: SoftwareTPM.isAvailable, Comment(rawValue: SoftwareTPM.requirement)))
struct InterruptionTests {
    @Test(
        "ID-24: an agent that ends at any message starts anew from its disk and TPM and ends enrolled",
        arguments: Interruption.all)
    func interrupted(_ interruption: Interruption) async throws {
        let node = try TestNode()
        let honest = HonestProtocol(node.authority)
        let cuts = Counter()
        try await StubVerifier(authority: node.authority) { request in
            guard request.path.hasSuffix(interruption.message), cuts.next() < 2 else {
                return try honest.reply(request)
            }
            if interruption.wasProcessed { _ = try honest.reply(request) }
            return .drop
        }.run { server in
            // Two cuts: libcurl repeats a request by itself when a kept connection dies under it.
            _ = try await node.session(port: server.port).once()
            _ = try await node.session(port: server.port).once()
            try await node.expect(.pass, port: server.port)
            #expect(honest.withState { $0.problems } == [])
        }
    }
}

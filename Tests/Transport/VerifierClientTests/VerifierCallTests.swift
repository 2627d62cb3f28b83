import AttestationMessages
import Foundation
import StubVerifier
import Synchronization
import Testing
import VerifierClient

private final class Flag: Sendable { let value = Mutex(false) }

@Suite("Calls of the verifier's API")
struct VerifierCallTests {
    private let node = NodeID("edge-17")!

    @Test("A refusal gives status, code, reference, detail, verdict and Retry-After")
    func refusal() async throws {
        let problem = Problem(code: "API_BUSY", reference: "r-1", verdictID: "v-9", detail: "wait")
        try await serve { _ in
            var reply = try StubReply.json(503, problem)
            reply.headers = [("Retry-After", "7")]
            return reply
        } body: { client, _ in
            let error = await failure { try await client.node(node) }
            #expect(error?.code == .refused)
            #expect(error?.status == 503)
            #expect(error?.problemCode == "API_BUSY")
            #expect(error?.reference == "r-1")
            #expect(error?.detail == "wait")
            #expect(error?.verdictID == "v-9")
            #expect(error?.retryAfterSeconds == 7)
            #expect(error?.exitCode == 69)
        }
    }

    @Test("A reply that is not the message of its route is malformed, whatever its bytes")
    func malformed() async throws {
        for text in ["", "null", "[]", "{", "{\"nodeID\":7}", String(repeating: "[", count: 100_000), "\u{0}"] {
            try await serve { _ in
                StubReply(status: 200, body: Array(text.utf8))
            } body: { client, _ in
                let error = await failure { try await client.node(node) }
                #expect(error?.code == .malformedReply)
            }
        }
    }

    @Test("A reply longer than the call allows is cut off")
    func tooLarge() async throws {
        let body = [UInt8](repeating: 0x20, count: VerifierClient.nodeReplyLimit + 1)
        try await serve { _ in
            StubReply(status: 200, body: body)
        } body: { client, _ in
            let error = await failure { try await client.admission(node: node, audience: nil) }
            #expect(error?.code == .replyTooLarge)
        }
    }

    @Test("Path and query parts are encoded, so that no value names another route")
    func encoding() async throws {
        try await serve { _ in
            StubReply(status: 404)
        } body: { client, server in
            _ = await failure { try await client.reference("../nodes/a b?x#y", version: 2) }
            _ = await failure { try await client.alarm("..") }
            _ = await failure { try await client.nodes(state: .stale, site: "a&b=c", Listing(cursor: "é", limit: 5)) }
            #expect(
                server.requests.map(\.path) == [
                    "/v1/references/..%2Fnodes%2Fa%20b%3Fx%23y?version=2", "/v1/alarms/%2E%2E",
                    "/v1/nodes?state=stale&site=a%26b%3Dc&cursor=%C3%A9&limit=5",
                ])
        }
    }

    @Test("An upload sends its bytes unchanged with PUT, and an empty one sends none")
    func upload() async throws {
        let reply = EvidenceReply(
            evidenceID: "e", verdict: nil, verdictID: nil, need: [], nextAttestationInSeconds: nil, nextChallenge: nil)
        try await serve { _ in
            try StubReply.json(202, reply)
        } body: { client, server in
            let bytes = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            for part in [bytes, []] {
                let answer = try await client.upload(
                    node: node, evidenceID: "e", log: "event-log", offset: 12, bytes: part)
                #expect(answer == reply)
            }
            #expect(server.requests.map(\.method) == ["PUT", "PUT"])
            #expect(server.requests.map(\.path).first == "/v1/nodes/edge-17/evidence/e/logs/event-log?offset=12")
            #expect(server.requests.map(\.body) == [bytes, []])
        }
    }

    @Test("An enrollment keeps the exact bytes of both messages")
    func enrollmentBytes() async throws {
        let text = #"{ "encryptedSecret":"AQ",  "credentialBlob":"Ag","enrollmentID":"e-1","later":true }"#
        try await serve { _ in
            StubReply(status: 201, body: Array(text.utf8))
        } body: { client, server in
            let exchange = try await client.enroll(
                EnrollmentRequest(
                    nodeID: node, manifestToken: nil, ekPublic: WireBytes([1]), ekCertificates: [],
                    akPublic: WireBytes([2]), nodeKeyPublic: WireBytes([3]), platform: PlatformIdentity()))
            #expect(exchange.replyBytes == Array(text.utf8))
            #expect(exchange.requestBytes == server.requests.first?.body)
            #expect(exchange.challenge.enrollmentID == "e-1")
        }
    }

    @Test("A cut connection is unreachable, and the next call opens another")
    func reconnect() async throws {
        let count = Mutex(0)
        try await serve { _ in
            let isFirst = count.withLock { value in
                value += 1
                return value == 1
            }
            return isFirst ? .drop : StubReply(status: 200)
        } body: { client, _ in
            #expect(await failure { try await client.health() }?.code == .unreachable)
            try await client.health()
        }
    }

    @Test("A cancelled task ends its call, although the verifier never answers")
    func cancellation() async throws {
        let done = Flag()
        try await serve { _ in
            try await Task.sleep(for: .seconds(3600))
            return StubReply(status: 200)
        } body: { client, server in
            let call = Task {
                defer { done.value.withLock { $0 = true } }
                try await client.health()
            }
            while server.requests.isEmpty, !done.value.withLock({ $0 }) { try await Task.sleep(for: .milliseconds(5)) }
            call.cancel()
            let result = await call.result
            let error = #expect(throws: VerifierClientError.self) { try result.get() }
            #expect(error?.code == .cancelled)
        }
    }

    @Test("Nobody listening is unreachable with exit code 69")
    func nobody() async throws {
        let folder = try TestFolder()
        let authority = try StubAuthority()
        let server = try await StubVerifier(authority: authority) { _ in StubReply(status: 200) }
        let port = server.port
        try await server.stop()
        let client = try client("https://127.0.0.1:\(port)", ca: try folder.caFile(authority))
        let error = await failure { try await client.health() }
        #expect(error?.code == .unreachable)
        #expect(error?.exitCode == 69)
    }

    @Test(
        "A URL that is more or less than https://host[:port] is refused",
        arguments: [
            "", "https://", "https://a/b", "https://a?b", "https://u@a", "https://a:0", "https://a:65536", "https://a:",
            "https://a:+1", "https://[::1", "https://a b", "ftp://a", "HTTPS://a", "https://a\n", "https://a:1:2",
        ])
    func badURLs(url: String) {
        #expect(throws: VerifierClientError.self) { _ = try VerifierEndpoint(url: url, caFile: "/ca.pem") }
    }

    @Test("Ports, addresses and the default port are read")
    func goodURLs() throws {
        let plain = try VerifierEndpoint(url: "https://verifier.example", caFile: "/ca.pem")
        #expect(plain.host == "verifier.example" && plain.port == 443 && plain.name == "verifier.example")
        let address = try VerifierEndpoint(url: "https://[::1]:8443/", caFile: "/ca.pem", name: "v.example")
        #expect(address.host == "::1" && address.port == 8443 && address.name == "v.example")
    }

    @Test("Pins that are not sha256 and 64 digits, or more than two, are refused")
    func badPins() {
        let good = "sha256:" + String(repeating: "00", count: 32)
        for pins in [["00"], ["sha256:00"], ["sha1:" + String(repeating: "00", count: 32)], [good, good, good]] {
            #expect(throws: VerifierClientError.self) {
                _ = try VerifierEndpoint(url: "https://a", caFile: "/ca.pem", pins: pins)
            }
        }
    }

    private func serve(
        _ handler: @escaping StubVerifier.Handler,
        body: (VerifierClient, StubVerifier) async throws -> Void
    ) async throws {
        let folder = try TestFolder()
        let authority = try StubAuthority()
        let ca = try folder.caFile(authority)
        try await StubVerifier(authority: authority, handler: handler).run { server in
            try await body(try client("https://127.0.0.1:\(server.port)", ca: ca), server)
        }
    }
}

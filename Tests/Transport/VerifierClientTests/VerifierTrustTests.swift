import ByteParsing
import Foundation
import StubVerifier
import Testing
import VerifierClient
import X509

private let healthy: StubVerifier.Handler = { _ in StubReply(status: 200, body: Array(#"{"status":"ok"}"#.utf8)) }
private let decade: TimeInterval = 10 * 365 * 86_400

@Suite("Who the client talks to")
struct VerifierTrustTests {
    @Test("A verifier with the pinned CA and the right name answers")
    func rightVerifier() async throws {
        let folder = try TestFolder()
        let authority = try StubAuthority()
        let ca = try folder.caFile(authority)
        try await StubVerifier(authority: authority, handler: healthy).run { server in
            try await client("https://127.0.0.1:\(server.port)", ca: ca).health()
            #expect(server.requests.map(\.path) == ["/healthz"])
        }
    }

    @Test("TA-18: a server of another CA gets neither a finished handshake nor a request")
    func otherCA() async throws {
        let folder = try TestFolder()
        let ca = try folder.caFile(try StubAuthority())
        try await StubVerifier(authority: try StubAuthority(), handler: healthy).run { server in
            let error = await failure { try await client("https://127.0.0.1:\(server.port)", ca: ca).health() }
            #expect(error?.code == .untrustedVerifier)
            #expect(server.acceptedConnections == 0)
            #expect(server.requests.isEmpty)
        }
    }

    @Test("TA-18: a server of the right CA with another name gets neither a finished handshake nor a request")
    func otherName() async throws {
        let folder = try TestFolder()
        let authority = try StubAuthority()
        let ca = try folder.caFile(authority)
        try await StubVerifier(authority: authority, names: [.dnsName("other.example")], handler: healthy).run {
            server in
            for name in ["localhost", "verifier.example", "127.0.0.1"] {
                let error = await failure {
                    try await client("https://127.0.0.1:\(server.port)", ca: ca, name: name).health()
                }
                #expect(error?.code == .untrustedVerifier)
            }
            #expect(server.acceptedConnections == 0)
            #expect(server.requests.isEmpty)
        }
    }

    @Test("TA-18: a server that speaks plain HTTP gets no request, and an http URL is refused")
    func plainHTTP() async throws {
        let folder = try TestFolder()
        let ca = try folder.caFile(try StubAuthority())
        try await StubVerifier(authority: nil, handler: healthy).run { server in
            let error = await failure { try await client("https://127.0.0.1:\(server.port)", ca: ca).health() }
            #expect(error?.code == .unreachable)
            #expect(server.requests.isEmpty)
            #expect(throws: VerifierClientError.self) {
                _ = try VerifierEndpoint(url: "http://127.0.0.1:\(server.port)", caFile: ca)
            }
        }
    }

    @Test("TA-18: a redirect to plain HTTP is not followed")
    func redirect() async throws {
        let folder = try TestFolder()
        let authority = try StubAuthority()
        let ca = try folder.caFile(authority)
        try await StubVerifier(authority: nil, handler: healthy).run { plain in
            let target = "http://127.0.0.1:\(plain.port)/healthz"
            try await StubVerifier(authority: authority) { _ in
                StubReply(status: 302, headers: [("Location", target)])
            }.run { server in
                let error = await failure { try await client("https://127.0.0.1:\(server.port)", ca: ca).health() }
                #expect(error?.code == .refused)
                #expect(error?.status == 302)
            }
            #expect(plain.acceptedConnections == 0)
        }
    }

    @Test("A pin that fits is accepted, one of two is enough, and a wrong pin refuses before a request")
    func pins() async throws {
        let folder = try TestFolder()
        let authority = try StubAuthority()
        let ca = try folder.caFile(authority)
        try await StubVerifier(authority: authority, handler: healthy).run { server in
            let url = "https://127.0.0.1:\(server.port)"
            let right = "sha256:" + Hex.encode(server.pin)
            let wrong = "sha256:" + String(repeating: "ab", count: 32)
            try await client(url, ca: ca, pins: [right]).health()
            try await client(url, ca: ca, pins: [wrong, right]).health()
            let before = server.requests.count
            let error = await failure { try await client(url, ca: ca, pins: [wrong]).health() }
            #expect(error?.code == .untrustedVerifier)
            #expect(server.requests.count == before)
        }
    }

    @Test(
        "AD-13: the agent takes a certificate whose dates are ten years off, the operators' command does not",
        arguments: [-decade, decade])
    func dates(offset: TimeInterval) async throws {
        let folder = try TestFolder()
        let authority = try StubAuthority()
        let ca = try folder.caFile(authority)
        let middle = Date().addingTimeInterval(offset)
        try await StubVerifier(
            authority: authority, notBefore: middle, notAfter: middle.addingTimeInterval(3600), handler: healthy
        ).run { server in
            let url = "https://127.0.0.1:\(server.port)"
            try await client(url, ca: ca, checksDates: false).health()
            let error = await failure { try await client(url, ca: ca, checksDates: true).health() }
            #expect(error?.code == .untrustedVerifier)
        }
    }

    @Test("AD-13: without dates the chain and the name still decide")
    func datesOnly() async throws {
        let folder = try TestFolder()
        let authority = try StubAuthority()
        let ca = try folder.caFile(authority)
        let otherCA = try folder.caFile(try StubAuthority())
        try await StubVerifier(authority: authority, handler: healthy).run { server in
            let url = "https://127.0.0.1:\(server.port)"
            for (file, name) in [(otherCA, "localhost"), (ca, "other.example")] {
                let error = await failure {
                    try await client(url, ca: file, name: name, checksDates: false).health()
                }
                #expect(error?.code == .untrustedVerifier)
            }
            #expect(server.requests.isEmpty)
        }
    }

    @Test("A CA file that is missing or empty is a configuration error")
    func badCAFile() async throws {
        let folder = try TestFolder()
        let authority = try StubAuthority()
        let empty = try folder.write("empty.pem", "")
        try await StubVerifier(authority: authority, handler: healthy).run { server in
            for file in [empty, folder.url.path + "/absent.pem"] {
                let error = await failure { try await client("https://127.0.0.1:\(server.port)", ca: file).health() }
                #expect(error?.code == .configuration)
            }
            #expect(server.requests.isEmpty)
        }
    }
}

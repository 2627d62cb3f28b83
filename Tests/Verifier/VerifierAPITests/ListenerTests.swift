import Admission
import AttestationMessages
import Crypto
import HTTPTypes
import SoftwareTPM
import Synchronization
import Testing
import VerifierAPI
import X509

@Suite("Listeners over real TLS")
struct ListenerTests {
    private let day: Int64 = 24 * 60 * 60 * 1000

    @Test("A node and an operator are served over TLS 1.3, each as what its certificate says")
    func served() async throws {
        try await LiveVerifier.run { live in
            #expect(try await live.curl("/v1/openapi.json", as: "n1").status == 200)
            #expect(try await live.curl("/v1/nodes", as: "alice").status == 200)
            #expect(try await live.curl("/v1/nodes", as: "n1").status == 403)
            let challenge = try await live.curl(
                "/v1/nodes/n1/challenges", as: "n1",
                ["-H", "content-type: application/json", "-d", "{\"bootID\":\"b\",\"agentRunID\":\"r\"}"])
            #expect(challenge.status == 201, "\(challenge)")
            let enrollment = try await live.curl(
                "/v1/enrollments", .enrollment, as: "self", ["-H", "content-type: application/json", "-d", "{}"])
            #expect(enrollment.status == 201, "\(enrollment)")
            #expect(try await live.curl("/metrics", .loopback, as: nil).body.contains(MetricNames.requests))
            #expect(live.fake.refused.map(\.code) == ["API_ROLE"])
            #expect(live.fake.refused.first?.source == "127.0.0.1")
        }
    }

    @Test("TA-01: without a certificate both TLS listeners refuse the handshake on every route of the API")
    func noCertificate() async throws {
        try await LiveVerifier.run { live in
            let routes = APIFixture().table.routes
            for route in routes where route.listener != .loopback {
                let body = route.body == .none ? [] : ["-H", "content-type: application/json", "-d", "{}"]
                let reply = try await live.curl(
                    APIFixture.path(route), route.listener, as: nil, ["-X", route.method.rawValue] + body)
                #expect(reply.exit != 0 && reply.status == 0, "\(route.listener) \(route.name) \(reply)")
            }
            for listener in [ListenerKind.main, .enrollment] {
                let text = try await live.exchange(
                    Array("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n".utf8), listener, as: nil)
                #expect(!text.contains("HTTP/1.1"))
                // Each is a refusal, and is recorded as one.
                let route = "\(listener.rawValue) TLS noCertificate"
                try await live.eventually { live.fake.refused.contains { $0.route == route } }
            }
            #expect(live.fake.calls.isEmpty)
            // The bare probe, metrics and key set are on the loopback listener, and nothing else is.
            #expect(
                Set(routes.filter { $0.listener == .loopback }.map(\.path))
                    == ["/healthz", "/readyz", "/metrics", "/.well-known/jwks.json"])
            #expect(try await live.curl("/healthz", .loopback, as: nil).status == 200)
            #expect(try await live.curl("/v1/nodes", .loopback, as: nil).status == 404)
        }
    }

    @Test("TA-02: a certificate of another CA, of the wrong time, purpose or name is refused in TLS and recorded")
    func wrongCertificates() async throws {
        try await LiveVerifier.run { live in
            let now = LiveVerifier.now
            let n1 = NodeID("n1")!
            func altered(_ change: @escaping (inout LeafProfile) -> Void) -> (Certificate.PublicKey) -> LeafProfile {
                { key in
                    var profile = LeafProfile.identity(n1, key, nowMilliseconds: now)
                    change(&profile)
                    return profile
                }
            }
            try live.issue("wrong-ca", by: .admission, altered { _ in })
            try live.issue("operator-by-node-ca", by: .identity) { .operatorKey("alice", $0, nowMilliseconds: now) }
            try live.issue("node-by-operator-ca", by: .operator, altered { _ in })
            try live.issue("expired", by: .identity, altered { $0.notAfterMilliseconds = now - 60_000 })
            try live.issue("future", by: .identity, altered { $0.notBeforeMilliseconds = now + day })
            try live.issue("server-purpose", by: .identity, altered { $0.usage = .serverAuth })
            try live.issue("no-name", by: .identity, altered { $0.alternativeNames = [] })
            try live.issue(
                "two-names", by: .identity,
                altered { $0.alternativeNames.append(.uniformResourceIdentifier("bootgate://node/n2")) })
            try live.issue(
                "bad-name", by: .identity,
                altered { $0.alternativeNames = [.uniformResourceIdentifier("bootgate://node/../n1")] })
            let reasons: KeyValuePairs = [
                "wrong-ca": "path", "operator-by-node-ca": "path", "node-by-operator-ca": "path", "expired": "expired",
                "future": "notYetValid", "server-purpose": "purpose", "no-name": "name", "two-names": "name",
                "bad-name": "name", "self": "name",
            ]
            for (name, reason) in reasons {
                let reply = try await live.curl("/v1/openapi.json", as: name)
                #expect(reply.exit != 0 && reply.status == 0, "\(name) \(reply)")
                // The records are written beside the handshakes.
                let route = "main TLS \(reason)"
                try await live.eventually {
                    live.fake.refused.contains { $0.route == route && $0.code == "API_TLS_PEER" }
                }
            }
            #expect(live.fake.calls.isEmpty)
            #expect(try await live.curl("/v1/openapi.json", as: "n1").status == 200)
        }
    }

    @Test("The enrollment listener refuses a certificate that its own key did not sign, and keys that are not P-256")
    func notSelfSigned() async throws {
        try await LiveVerifier.run { live in
            try live.writeSelfSigned("forged", P256.Signing.PrivateKey(), signer: P256.Signing.PrivateKey())
            #expect(try await live.curl("/healthz", .enrollment, as: "forged").exit != 0)
            let file = live.directory.file("p384")
            _ = try await LiveVerifier.process(
                "openssl",
                [
                    "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384", "-nodes", "-subj", "/CN=x",
                    "-keyout", "\(file).key", "-out", "\(file).pem",
                ])
            #expect(try await live.curl("/healthz", .enrollment, as: "p384").exit != 0)
            #expect(try await live.curl("/healthz", .enrollment, as: "self").status == 200)
        }
    }

    @Test("TA-04: a kept session is not resumed, and a removed operator's next request is refused")
    func resumption() async throws {
        try await LiveVerifier.run { live in
            let session = live.directory.file("session")
            let request = Array("GET /v1/nodes HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".utf8)
            let first = try await live.exchange(request, as: "alice", ["-sess_out", session])
            #expect(first.contains("200 OK"))
            live.fake.state.withLock { $0.roles["alice"] = nil }
            let second = try await live.exchange(request, as: "alice", ["-sess_in", session])
            #expect(!second.contains("Reused,"))
            #expect(second.contains("403 Forbidden") || !second.contains("HTTP/1.1"))
            // Without the certificate, with the session only.
            let third = try await LiveVerifier.process(
                "openssl",
                [
                    "s_client", "-connect", "127.0.0.1:\(live.ports[.main] ?? 0)", "-CAfile",
                    live.directory.file("server-ca.pem"), "-sess_in", session, "-ign_eof", "-nocommands",
                ], input: request)
            #expect(!third.text.contains("HTTP/1.1") && !third.text.contains("Reused,"))
        }
    }

    @Test(
        "TA-06: TLS 1.2 and older are refused, weak suites among them",
        arguments: [
            ["-tls1_2"], ["-tls1_1", "-cipher", "DEFAULT:@SECLEVEL=0"], ["-tls1", "-cipher", "DEFAULT:@SECLEVEL=0"],
            ["-tls1_2", "-cipher", "AES128-SHA"], ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA"],
        ])
    func oldTLS(_ arguments: [String]) async throws {
        try await LiveVerifier.run { live in
            let request = Array("GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".utf8)
            for listener in [ListenerKind.main, .enrollment] {
                let name = listener == .main ? "n1" : "self"
                let text = try await live.exchange(request, listener, as: name, arguments)
                #expect(text.contains("Cipher is (NONE)") && !text.contains("HTTP/1.1"), "\(text)")
                // The same call in TLS 1.3 is served.
                #expect(try await live.exchange(request, listener, as: name, ["-tls1_3"]).contains("HTTP/1.1 200"))
            }
        }
    }

    @Test("TA-15: HTTP/2 is off: it is not negotiated, and its preface is not served")
    func noHTTP2() async throws {
        try await LiveVerifier.run { live in
            let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + [0, 0, 0, 4, 0, 0, 0, 0, 0]
            let text = try await live.exchange(preface, as: "n1", ["-alpn", "h2"])
            #expect(!text.contains("ALPN protocol: h2"))
            #expect(!text.contains("HTTP/1.1 200"))
            let alive = try await live.exchange(
                Array("GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".utf8), as: "n1")
            #expect(alive.contains("HTTP/1.1 200"))
        }
    }

    @Test("TA-15: 100,000 streams opened and reset end in a closed connection, and the listener serves on")
    func resetFlood() async throws {
        try await LiveVerifier.run { live in
            var bytes = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + [0, 0, 0, 4, 0, 0, 0, 0, 0]
            for index in 0..<UInt32(100_000) {
                let stream = (index * 2 + 1).bigEndian
                let id = withUnsafeBytes(of: stream) { Array($0) }
                // HEADERS with the indexed field ":method: GET", END_HEADERS and END_STREAM; RST_STREAM CANCEL.
                bytes += [0, 0, 1, 1, 5] + id + [0x82]
                bytes += [0, 0, 4, 3, 0] + id + [0, 0, 0, 8]
            }
            let text = try await live.exchange(bytes, as: "n1", ["-alpn", "h2"])
            #expect(!text.contains("HTTP/1.1 200") && !text.contains("ALPN protocol: h2"))
            #expect(live.fake.calls.isEmpty)
            #expect(try await live.curl("/healthz", as: "n1").status == 200)
        }
    }

    @Test(
        "TA-15: control characters in a field's value are refused and the connection ends",
        arguments: [0x00, 0x01, 0x08, 0x0B, 0x0D, 0x1B, 0x1F, 0x7F] as [UInt8])
    func controlCharacters(_ byte: UInt8) async throws {
        try await LiveVerifier.run { live in
            let request =
                Array("GET /v1/openapi.json HTTP/1.1\r\nHost: x\r\nX-Name: a".utf8) + [byte] + Array("b\r\n\r\n".utf8)
            let text = try await live.exchange(request, as: "n1")
            let statuses = text.split(separator: "HTTP/1.1 ").dropFirst().compactMap { Int($0.prefix(3)) }
            #expect(statuses == [400] || statuses.isEmpty, "\(statuses)")
        }
    }

    @Test("A replaced certificate is served from the next connection on; AV-09: garbage keeps the last good one")
    func reload() async throws {
        try await LiveVerifier.run { live in
            func serial() async throws -> String {
                let text = try await live.exchange(
                    Array("GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".utf8), as: "n1")
                let pem = text.split(separator: "-----BEGIN CERTIFICATE-----").dropFirst().first ?? ""
                return String(pem.prefix { $0 != "-" })
            }
            let before = try await serial()
            let fresh = try LiveVerifier.material(live.authorities)
            var mixed = fresh
            mixed.privateKey = live.tls.material.privateKey
            #expect(throws: (any Error).self) { try live.tls.replace(with: mixed) }
            #expect(try await serial() == before)
            try live.tls.replace(with: fresh)
            let after = try await serial()
            #expect(after != before && !after.isEmpty)
        }
    }
}

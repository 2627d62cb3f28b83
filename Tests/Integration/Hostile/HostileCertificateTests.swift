import AttestationMessages
import AttestationTestKit
import Foundation
import SoftwareTPM
import Testing

/// What the real verifier does with certificates that must not get in.
@Suite(
    "Hostile certificates, real verifier", .serialized,
    .enabled(if: Programs.isComplete, Comment(rawValue: Programs.requirement)))
struct HostileCertificateTests {
    @Test("TA-02: wrong CA, expired, future, revoked, serverAuth-only: TLS refused, each with a record and a low alarm")
    func wrongCertificates() async throws {
        let authority = try ExternalAuthority("External CA")
        let stranger = try ExternalAuthority("Strange CA")
        let good = try authority.issue("good")
        let revoked = try authority.issue("revoked")
        let bad: [(name: String, identity: Identity, reason: String)] = [
            ("wrong CA", try stranger.issue("stranger"), "path"),
            ("expired", try authority.issue("expired", from: "20200101000000Z", until: "20210101000000Z"), "expired"),
            ("future", try authority.issue("future", from: "20480101000000Z", until: "20490101000000Z"), "notYetValid"),
            ("revoked", revoked, "revoked"),
            ("serverAuth only", try authority.issue("server", usage: "serverAuth"), "purpose"),
        ]
        let laboratory = try Laboratory(
            configuration: """
                [tls]
                node-roots = ["\(authority.certificate)"]
                revocation-lists = ["\(authority.revocationList)"]

                """)
        try await laboratory.start()
        #expect(try laboratory.curl("/v1/openapi.json", as: good).status == 200)
        #expect(try laboratory.curl("/v1/openapi.json", as: revoked).status == 200)
        // Revoked while the verifier runs: the new list holds from the reload on.
        try authority.revoke(revoked)
        laboratory.verifier?.signal(SIGHUP)
        try await eventually("the revocation holds") {
            try laboratory.curl("/v1/openapi.json", as: revoked).exit != 0 ? true : nil
        }
        for (name, identity, _) in bad {
            let reply = try laboratory.curl("/v1/openapi.json", as: identity)
            #expect(reply.exit != 0 && reply.status == 0, "\(name): \(reply)")
        }
        #expect(try laboratory.curl("/v1/openapi.json", as: good).status == 200)

        for (name, _, reason) in bad {
            let subject = "main TLS \(reason)"
            let record = try await eventually("the record of \(name)") {
                try laboratory.json(as: "bob", ["audit", "list"], of: Page<AuditRecordView>.self).items
                    .first { $0.action == "request.refused" && $0.subject == subject }
            }
            #expect(record.detail["code"] == "API_TLS_PEER" && record.outcome == "failure", "\(record)")
            let alarm = try laboratory.json(["alarm", "list"], of: Page<AlarmView>.self).items
                .first { $0.eventID == "API_TLS_PEER" && $0.message.contains(subject) }
            #expect(alarm?.severity == "low", "\(name): \(String(describing: alarm))")
        }
    }

    @Test("TA-04: a kept session is no way around a revocation: with it TLS is refused as without it")
    func resumedAfterRevocation() async throws {
        let authority = try ExternalAuthority("External CA")
        let node = try authority.issue("node")
        let laboratory = try Laboratory(
            configuration: """
                [tls]
                node-roots = ["\(authority.certificate)"]
                revocation-lists = ["\(authority.revocationList)"]

                """)
        try await laboratory.start()
        let session = laboratory.directory.file("session")
        func exchange(_ arguments: [String]) throws -> String {
            try runProcess(
                "openssl",
                ["s_client", "-connect", "127.0.0.1:\(laboratory.mainPort)", "-CAfile", laboratory.caFile, "-ign_eof"]
                    + ["-nocommands"] + arguments,
                input: Array("GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".utf8)
            ).text
        }
        let identity = ["-cert", node.certificate, "-key", node.key]
        #expect(try exchange(identity + ["-sess_out", session]).contains("HTTP/1.1 200"))
        #expect(try !readFile(session).isEmpty)
        #expect(try exchange(identity + ["-sess_in", session]).contains("HTTP/1.1 200"))
        try authority.revoke(node)
        laboratory.verifier?.signal(SIGHUP)
        try await eventually("the revocation holds") {
            try laboratory.curl("/healthz", as: node).exit != 0 ? true : nil
        }
        for arguments in [identity + ["-sess_in", session], ["-sess_in", session]] {
            let text = try exchange(arguments)
            #expect(!text.contains("HTTP/1.1") && !text.contains("Reused,"), "\(text)")
        }
    }

    @Test("TA-02: a revocation list that no named CA signed, and garbage in its place, stop the start")
    func badRevocationLists() throws {
        let authority = try ExternalAuthority("External CA")
        let stranger = try ExternalAuthority("External CA")
        let garbage = try authority.directory.write(Array("no list\n".utf8), to: "garbage.pem")
        for list in [stranger.revocationList, garbage, authority.certificate, "/absent/crl.pem"] {
            let laboratory = try Laboratory(
                configuration: "[tls]\nnode-roots = [\"\(authority.certificate)\"]\nrevocation-lists = [\"\(list)\"]\n")
            let result = try runProcess(
                Programs.verifier, ["run", "--config", laboratory.directory.file("verifier.toml")])
            #expect(result.status == 4, "\(list): \(result.status) \(result.errorText.suffix(500))")
            #expect(result.errorText.contains(list))
        }
    }

    @Test("TA-13: no refusal to a node or a key holder, on any route, says more than a code and a reference")
    func refusalsTellNothing() async throws {
        let authority = try ExternalAuthority("External CA")
        let node = try authority.issue("node")
        let laboratory = try Laboratory(
            configuration: "[tls]\nnode-roots = [\"\(authority.certificate)\"]\n[limits]\nenrollment-burst = 1000\n")
        try await laboratory.start()
        let keyHolder = try Identity.selfSigned(in: laboratory.directory)
        let described = try DescribedAPI(
            Array(try laboratory.curl("/v1/openapi.json", as: laboratory.identity("alice")).body.utf8))
        let words = [
            "SELECT", "INSERT", "sqlite", "store.", ".swift", "/tmp", "/var", "Error", "error:", "Optional", "nil",
            "fatal", "PRIVATE", "detail", "edge-77", "certificate", "External",
        ]
        var statuses: Set<Int> = []
        for operation in described.operations {
            let isEnrollment = operation.access == ["key-holder"]
            var path = operation.path.replacing("{id}", with: "edge-77")
            path = path.split(separator: "/").map { $0.hasPrefix("{") ? "x1" : String($0) }.reduce("") { $0 + "/" + $1 }
            let bodies =
                ["{}", "[", "{\"x\":\"SELECT\"}"] + described.bodies(of: operation, withIntegers: ["-1", "1"])
            for (index, body) in bodies.enumerated() {
                let file = try laboratory.directory.write(Array(body.utf8), to: "body")
                let reply = try laboratory.curl(
                    path, as: isEnrollment ? keyHolder : node, port: isEnrollment ? laboratory.enrollmentPort : nil,
                    ["-X", operation.method]
                        + (operation.method == "GET"
                            ? index == 0 ? [] : ["-H", "Range: bytes=5-2"]
                            : ["-H", "content-type: application/json", "--data-binary", "@\(file)"]))
                guard reply.status >= 400 else { continue }
                statuses.insert(reply.status)
                for word in words {
                    #expect(!reply.body.contains(word), "\(operation.method) \(path): \(word) in \(reply.body)")
                }
                #expect(
                    described.problems(
                        ofReply: Array(reply.body.utf8), status: reply.status, to: operation.method, operation.path)
                        == [])
            }
        }
        print("TA-13: statuses \(statuses.sorted())")
        #expect(statuses.isSuperset(of: [400, 403]))
    }
}

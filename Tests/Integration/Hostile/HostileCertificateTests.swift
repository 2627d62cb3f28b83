import AttestationMessages
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
}

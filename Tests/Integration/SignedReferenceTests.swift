import AttestationMessages
import Foundation
import SoftwareTPM
import Testing

@Suite(
    "Signed reference sets, real verifier", .serialized,
    .enabled(if: Programs.isComplete, Comment(rawValue: Programs.requirement)))
struct SignedReferenceTests {
    private static let set =
        #filePath.split(separator: "/").dropLast(3).reduce(into: "") { $0 += "/" + $1 }
        + "/ReferenceValues/examples/golden-debian12.json"

    @Test("RV-06: where signatures are required, bootgate's own are taken and checked, and a call without one is 422")
    func required() async throws {
        let laboratory = try Laboratory(configuration: "[references]\nsignatures = \"required\"\n")
        try await laboratory.start()
        let name = "golden-debian12"
        let proposed = try laboratory.json(
            [
                "reference", "propose", name, "--document", "@\(Self.set)", "--group", "lab", "--reason", "test",
            ], of: ReferenceView.self)
        let body = "{\"documentSHA256\":\"\(proposed.documentSHA256)\",\"reason\":\"by hand\"}"
        let unsigned = try laboratory.curl(
            "/v1/references/\(name)/1/approve", as: laboratory.identity("bob"),
            ["-H", "Content-Type: application/json", "-d", body])
        #expect(unsigned.status == 422 && unsigned.body.contains("REF_SIGNATURE"), "\(unsigned.body)")
        _ = try laboratory.json(
            as: "bob", ["reference", "approve", name, "--sha256", proposed.documentSHA256, "--reason", "test"],
            of: ReferenceView.self)
        let active = try laboratory.json(
            ["reference", "activate", name, "--reason", "test"], of: ReferenceView.self)
        #expect(active.status == .active)
        let detail = try laboratory.json(["reference", "show", name], of: ReferenceDetail.self)
        #expect(detail.signatures?.map(\.signer) == ["alice", "bob"] && detail.signatureProblem == nil)
        #expect(try laboratory.run("reference", "show", name).text.contains("approve by bob"))
    }

    /// SIGHUP, and what the verifier says of the signatures' part of it.
    private func reload(_ laboratory: Laboratory) async throws -> Bool {
        func lines() -> [Substring] {
            let log = (try? readFile(laboratory.directory.file("verifier.log"))) ?? []
            return String(decoding: log, as: UTF8.self).split(separator: "\n").filter {
                $0.contains("reference-signers")
            }
        }
        let before = lines().count
        laboratory.verifier?.signal(SIGHUP)
        let line = try await eventually("the reload is over") { lines().count > before ? lines().last : nil }
        return !line.contains("refused")
    }

    @Test(
        "AV-09, RV-06: operators' CAs for signatures follow SIGHUP, garbage keeps the last good ones, a later revocation voids nothing"
    )
    func reloaded() async throws {
        let own = try ExternalAuthority("First operators' CA")
        let next = try ExternalAuthority("Next operators' CA")
        let directory = try TemporaryDirectory()
        func write(roots: [ExternalAuthority], garbage: [UInt8] = []) throws {
            try directory.write(try roots.flatMap { try readFile($0.certificate) } + garbage, to: "roots.pem")
            try directory.write(try roots.flatMap { try readFile($0.revocationList) }, to: "lists.pem")
        }
        try write(roots: [own])
        let laboratory = try Laboratory(
            configuration: """
                [references]
                signatures = "required"
                [tls]
                operator-roots = ["\(directory.file("roots.pem"))"]
                revocation-lists = ["\(directory.file("lists.pem"))"]

                """)
        let alice = try next.issue(
            "alice", uri: "URI:bootgate://operator/alice", key: laboratory.identity("alice").key)
        try await laboratory.start()
        let name = "golden-debian12"
        let arguments = [
            "reference", "propose", name, "--document", "@\(Self.set)", "--group", "lab", "--reason", "test",
        ]
        #expect(try laboratory.run(with: alice, "reference", "list").status != 0)
        try write(roots: [own, next])
        #expect(try await reload(laboratory))
        let proposed = try laboratory.run(with: alice, arguments)
        #expect(proposed.status == 0, "\(proposed.errorText)")
        let view = try laboratory.json(["reference", "show", name], of: ReferenceDetail.self).view
        _ = try laboratory.json(
            as: "bob", ["reference", "approve", name, "--sha256", view.documentSHA256, "--reason", "test"],
            of: ReferenceView.self)
        func problem() throws -> String? {
            try laboratory.json(as: "bob", ["reference", "show", name], of: ReferenceDetail.self).signatureProblem
        }
        #expect(try problem() == nil)

        try write(roots: [], garbage: Array("no certificate\n".utf8))
        #expect(try await !reload(laboratory))
        #expect(try problem() == nil)
        _ = try await eventually("the alarm of the refused part") {
            laboratory.events().first {
                $0["event"] as? String == "API_TRUST_RELOAD" && "\($0)".contains("reference-signers")
            }
        }
        try write(roots: [own])
        #expect(try await reload(laboratory))
        #expect(try problem()?.contains("leads to no operators' CA") == true)
        // Revocation lists know seconds: what was signed in the second of the revocation is void.
        try await Task.sleep(for: .milliseconds(1100))
        try next.revoke(alice)
        try write(roots: [own, next])
        #expect(try await reload(laboratory))
        // Revoked after she signed, for no bad reason: what she signed stands, she herself is out.
        #expect(try problem() == nil)
        #expect(try laboratory.run(with: alice, "reference", "list").status != 0)
    }
}

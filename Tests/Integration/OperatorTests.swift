import AssetFingerprints
import AttestationMessages
import Foundation
import SoftwareTPM
import Testing

/// The operators' command against a real verifier: exit codes, messages, and the verbs that no other test needs.
@Suite(
    "The operators' command, with a real verifier", .serialized,
    .enabled(if: Programs.isComplete, Comment(rawValue: Programs.requirement)))
struct OperatorTests {
    @Test("Unknown things end with 65, missing roles with 77, conflicts with 3; each says what to do, none hangs")
    func exitCodes() async throws {
        let laboratory = try Laboratory()
        try await laboratory.start()
        func check(_ status: Int32, _ words: String, as person: String = "alice", _ arguments: [String]) throws {
            let run = try laboratory.run(as: person, arguments)
            #expect(run.status == status, "\(arguments): \(run.text)\(run.errorText)")
            #expect((run.text + run.errorText).contains(words), "\(arguments): \(run.text)\(run.errorText)")
        }
        try check(65, "no node nosuch", ["node", "show", "nosuch"])
        try check(65, "no node nosuch", ["node", "watch", "nosuch", "--until", "trusted"])
        try check(65, "API_UNKNOWN", ["reference", "show", "nosuch"])
        try check(65, "API_UNKNOWN", ["reference", "diff", "nosuch", "--from", "1"])
        try check(65, "API_UNKNOWN", ["fingerprint", "diff", "nosuch", "accounts"])
        try check(77, "security-admin", ["audit", "list"])
        try check(77, "API_ROLE", as: "bob", ["node", "suspend", "edge-01", "--reason", "x"])
        try check(3, "nothing was written", ["node", "add", "edge-01"])
        let entry = #"{"nodeID":"edge-01","ekSPKISHA256":"\#(String(repeating: "ab", count: 32))""#
        try check(0, "dry run: 1 added", ["node", "import", "--dry-run", #"{"entries":[\#(entry)}]}"#])
        try check(65, "gruop", ["node", "import", #"{"entries":[\#(entry),"gruop":"mec"}]}"#])
        try check(0, "1 added", ["node", "import", #"{"entries":[\#(entry)}]}"#])
        laboratory.stop()
        try check(69, "next:", ["node", "list"])
    }

    @Test("A person is added by a certificate request in PEM, and can call at once")
    func addOperator() async throws {
        let laboratory = try Laboratory()
        try await laboratory.start()
        let key = "\(laboratory.data)/operators/carol.key"
        let request = laboratory.directory.file("carol.csr")
        try runProcessSuccessfully(
            "openssl",
            [
                "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj",
                "/CN=carol", "-keyout", key, "-out", request,
            ])
        chmod(key, 0o600)
        let added = try laboratory.run("operator", "add", "carol", "--role", "viewer", "--request", "@\(request)")
        #expect(added.status == 0, "\(added.errorText)")
        try writeFile(added.stdout, to: "\(laboratory.data)/operators/carol.pem")
        #expect(try laboratory.run(as: "carol", "node", "list").status == 0)
        #expect(try laboratory.run(as: "carol", "audit", "list").status == 77)
    }

    @Test("SO-10: alarms and the audit log go to a spreadsheet as quoted cells, one line for each record")
    func exports() async throws {
        let laboratory = try Laboratory()
        try await laboratory.start()
        _ = try laboratory.run(as: "bob", "node", "suspend", "edge-01", "--reason", "=1+1")
        for (verb, column) in [("alarm", "time"), ("audit", "number")] {
            let csv = try laboratory.run(as: "bob", verb, "export", "-o", "csv")
            #expect(csv.status == 0, "\(csv.errorText)")
            let lines = csv.text.split(separator: "\n")
            #expect(lines.first?.hasPrefix("\"\(column)\",") == true)
            #expect(lines.contains { $0.contains("API_ROLE") }, "\(csv.text)")
            #expect(lines.allSatisfy { $0.hasPrefix("\"") && $0.hasSuffix("\"") && !$0.contains("\"=") })
            let json = try laboratory.run(as: "bob", verb, "export")
            let page = try JSONSerialization.jsonObject(with: Data(json.stdout)) as? [String: Any]
            let items = (page?["items"] as? [Any])?.count ?? 0
            // Each call of the audit log is a record itself.
            #expect(items - (verb == "audit" ? 1 : 0) == lines.count - 1)
        }
    }

    @Test("fingerprint diff: 75 without a baseline, 0 for the node's own, 2 and the keys for another")
    func fingerprintDiff() async throws {
        let laboratory = try Laboratory()
        try await laboratory.start()
        let machine = try Machine("edge-01", in: laboratory)
        _ = try laboratory.run("node", "add", "edge-01", "--ek-spki-sha256", try machine.endorsementKeySPKI())
        try machine.startAgent()
        _ = try await eventually("a report of accounts; agent: \(laboratory.log("agent-edge-01"))") {
            try laboratory.run("fingerprint", "show", "edge-01", "accounts").succeeded ? true : nil
        }
        machine.stopAgent()
        let diff = ["fingerprint", "diff", "edge-01", "accounts"]
        #expect(try laboratory.run(diff).status == 75)
        #expect(try laboratory.run(diff + ["--against", "previous"]).status == 75)
        let own = try laboratory.run(
            "fingerprint", "baseline", "propose", "default", "accounts", "--from-node", "edge-01")
        #expect(own.status == 0, "\(own.errorText)")
        let same = try laboratory.run(diff)
        #expect(same.status == 0, "\(same.errorText)")
        #expect(same.text.contains("no difference") && same.text.contains("not in force"))
        let other =
            #"{"kind":"accounts","version":1,"entries":[{"type":"group","name":"g\u001b[2J","gid":7,"members":[]}]}"#
        _ = try laboratory.run(
            "fingerprint", "baseline", "propose", "default", "accounts", "--document", other, "--allow", "sudo/*")
        for format in ["table", "json"] {
            let run = try laboratory.run(diff + ["-o", format])
            #expect(run.status == 2, "\(run.errorText)")
            #expect(run.text.contains("user/root") && run.text.contains("removed"))
            #expect(run.stdout.allSatisfy { $0 >= 0x20 || $0 == 0x0A })
        }
    }
}

import AttestationMessages
import AttestationTestKit
import Foundation
import SoftwareTPM
import Testing

/// The answers of a real verifier with a real node in it, against its own description.
@Suite(
    "Described answers, real verifier", .serialized,
    .enabled(if: Programs.isComplete, Comment(rawValue: Programs.requirement)))
struct DescribedAnswersTests {
    @Test(
        "Every answer of every reading route is what the OpenAPI document says, with a node, verdicts and alarms there")
    func answers() async throws {
        let (laboratory, _) = try await Machine.admitted("edge-01")
        // A refused call, for an alarm.
        _ = try laboratory.run(as: "bob", "node", "suspend", "edge-01", "--reason", "not allowed")
        let alice = laboratory.identity("alice")
        let bob = laboratory.identity("bob")
        let described = try DescribedAPI(Array(try laboratory.curl("/v1/openapi.json", as: alice).body.utf8))
        let verdict = try #require(try laboratory.node("edge-01").lastVerdict?.verdictID)
        let alarm = try #require(try laboratory.json(["alarm", "list"], of: Page<AlarmView>.self).items.first?.alarmID)
        let values = [
            "id": "edge-01", "verdictID": verdict, "kind": "accounts", "group": "default", "name": "mec-server",
            "version": "1",
        ]
        var checked = 0
        for operation in described.operations where operation.method == "GET" {
            guard case .array(let access)? = operation.fields["x-bootgate-access"] else { continue }
            var path = operation.path
            for (name, value) in values { path = path.replacing("{\(name)}", with: value) }
            if operation.path.hasPrefix("/v1/alarms") { path = path.replacing("edge-01", with: alarm) }
            if operation.path == "/v1/admissions/{id}" { path += "?audience=mano" }
            let who = access.contains(.string("auditor")) && !access.contains(.string("viewer")) ? bob : alice
            let reply = try laboratory.curl(path, as: who)
            #expect(
                reply.status == 200
                    || (operation.path.contains("baselines") || operation.path == "/v1/revocations"
                        || operation.path == "/v1/plans/{name}" || operation.path.hasSuffix("/rollout"))
                        && reply.status == 404,
                "\(path) \(reply.status) \(reply.body)")
            let problems = described.problems(
                ofReply: Array(reply.body.utf8), status: reply.status, to: "GET", operation.path)
            #expect(problems == [], "\(path): \(reply.body.prefix(600))")
            checked += 1
        }
        #expect(checked > 20)
        print("OpenAPI: \(checked) reading routes answered as described")
    }
}

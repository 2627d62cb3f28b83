import AttestationMessages
import Foundation
import SoftwareTPM
import Testing

/// `bootgate plan` and `bootgate reference rollout` against a real verifier with a real node in it.
@Suite(
    "Change plans and staged activation, real verifier", .serialized,
    .enabled(if: Programs.isComplete, Comment(rawValue: Programs.requirement)))
struct ChangePlanTests {
    /// The next version of the node's set, approved.
    private func approved(in laboratory: Laboratory) throws -> ReferenceView {
        let draft = try laboratory.json(
            ["reference", "capture", "mec-server", "--group", "default", "--node", "edge-01"], of: ReferenceDetail.self)
        _ = try laboratory.json(["reference", "propose", "mec-server", "--reason", "test"], of: ReferenceView.self)
        return try laboratory.json(
            as: "bob",
            ["reference", "approve", "mec-server", "--sha256", draft.view.documentSHA256, "--reason", "test"],
            of: ReferenceView.self)
    }

    @Test("An operator plans an update, closes the plan, and activates the set in stages, by the command alone")
    func verbs() async throws {
        let (laboratory, machine) = try await Machine.admitted("edge-01")
        let set = "mec-server@\(try approved(in: laboratory).version)"

        let create = ["plan", "create", "kernel-53", "edge-01", "--set", set, "--hours", "1", "--reason", "test"]
        #expect(try laboratory.run(as: "bob", create).status == 77)
        let created = try laboratory.json(create, of: PlanDetail.self)
        #expect(created.plan.status == .open && created.plan.referenceSet == set && created.plan.waiting == 1)
        #expect(created.nodes.map(\.nodeID.rawValue) == ["edge-01"])
        let listed = try laboratory.json(as: "bob", ["plan", "list", "--open"], of: Page<PlanView>.self).items
        #expect(listed == [created.plan])
        let shown = try laboratory.run("plan", "show", "kernel-53")
        #expect(shown.status == 0 && shown.text.contains("waiting") && shown.text.contains(set), "\(shown.text)")
        #expect(try laboratory.run("node", "explain", "edge-01").text.contains("kernel-53: waiting"))
        let beside = try laboratory.run("reference", "activate", "mec-server", "--reason", "test")
        #expect(beside.status == 65 && beside.errorText.contains("plan close"), "\(beside.errorText)")
        let closed = try laboratory.json(["plan", "close", "kernel-53", "--reason", "postponed"], of: PlanDetail.self)
        #expect(closed.plan.status == .closed && !closed.plan.activated && closed.plan.closedBy == "alice")
        #expect(try laboratory.run("plan", "show", "nosuch").status == 65)

        let started = try laboratory.json(
            ["reference", "activate", "mec-server", "--staged", "--dwell-minutes", "60", "--reason", "test"],
            of: RolloutView.self)
        #expect(started.status == .open && started.stagePercent == 1 && started.canaries == 1)
        #expect(try machine.once().status == 0)
        #expect(try laboratory.node("edge-01").lastVerdict?.referenceSet == set)
        let stage = try laboratory.json(["reference", "rollout", "show", "mec-server"], of: RolloutView.self)
        #expect(stage.judged == 1 && stage.newlyFailing == 0)
        let underWay = try laboratory.json(["reference", "rollout", "list", "--open"], of: Page<RolloutView>.self)
        #expect(underWay.items == [stage] && underWay.nextCursor == nil)
        let halt = try laboratory.json(
            ["reference", "rollout", "halt", "mec-server", "--reason", "enough"], of: RolloutHalt.self)
        #expect(halt.rollout.status == .halted && halt.cleared.isEmpty && halt.stillFailed.isEmpty)
        #expect(try machine.once().status == 0)
        #expect(try laboratory.node("edge-01").lastVerdict?.referenceSet == "mec-server@1")
        let last = try laboratory.run("reference", "rollout", "show", "mec-server")
        #expect(last.text.contains("halted") && last.text.contains("enough"))
        #expect(
            try laboratory.json(["reference", "rollout", "list", "--open"], of: Page<RolloutView>.self).items.isEmpty)
        #expect(try laboratory.run("reference", "rollout", "list").text.contains("halted"))
    }
}

import AttestationMessages
import Foundation
import SoftwareTPM
import Testing

/// Real programs, a real TPM in software, real TLS: the main job and its refusals.
@Suite(
    "The main job, with real programs", .serialized,
    .enabled(if: Programs.isComplete, Comment(rawValue: Programs.requirement)))
struct MainJobTests {
    @Test("A node is admitted after approval, and refused when its initrd was altered, with layer, event and alarm")
    func admittedThenRefused() async throws {
        let laboratory = try Laboratory()
        try await laboratory.start()
        let machine = try Machine("edge-01", in: laboratory)
        let added = try laboratory.run(
            "node", "add", "edge-01", "--ek-spki-sha256", try machine.endorsementKeySPKI(), "--site", "hall-7")
        #expect(added.status == 0, "\(added.errorText)")
        try machine.startAgent()

        let unreferenced = try await laboratory.nextVerdict(of: "edge-01")
        #expect(unreferenced.verdict == .error)
        #expect(try laboratory.admission("edge-01").decision == .deny)

        try laboratory.activateReferences(from: "edge-01")
        let good = try await laboratory.nextVerdict(of: "edge-01") { $0.verdict == .pass }
        #expect(try laboratory.node("edge-01").state == .trusted)
        let admission = try laboratory.admission("edge-01")
        #expect(admission.decision == .admit)
        #expect(admission.ear != nil)
        #expect(!admission.admissionCertificates.isEmpty)

        try machine.reboot(into: "b-initrd")
        try machine.startAgent()
        let bad = try await laboratory.nextVerdict(of: "edge-01", after: good.verdictID) { $0.verdict != .pass }
        #expect(bad.verdict == .fail)
        #expect(bad.firstBrokenLayer == "kernel")
        #expect(try laboratory.node("edge-01").state == .untrusted)
        #expect(try laboratory.admission("edge-01").decision == .deny)
        let explained = try laboratory.run("node", "explain", "edge-01")
        #expect(explained.text.contains("initrd"), "\(explained.text)")
        #expect(explained.text.contains("likely cause: initrd rebuilt without a new kernel"), "\(explained.text)")
        let lines = explained.text.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.count <= 41 && lines.allSatisfy { $0.count <= 80 }, "one screen: \(explained.text)")
        let boots = try laboratory.json(["node", "boots", "edge-01"], of: Page<RebootView>.self)
        #expect(boots.items.first?.verdictID == bad.verdictID && boots.items.first?.explanation == .unexplained)

        let alarm = try await eventually("the alarm in the SIEM's file") {
            laboratory.events().first { $0["node"] as? String == "edge-01" && $0["severity"] as? String == "high" }
        }
        #expect(alarm["eventID"] != nil || alarm["event"] != nil || alarm["id"] != nil)
        #expect(try laboratory.run(as: "bob", "audit", "verify").status == 0)
    }

    @Test("AD-05: a failure is sticky over a good boot, until an operator clears it by naming its verdict")
    func sticky() async throws {
        let laboratory = try Laboratory()
        try await laboratory.start()
        let machine = try Machine("edge-01", in: laboratory)
        _ = try laboratory.run("node", "add", "edge-01", "--ek-spki-sha256", try machine.endorsementKeySPKI())
        #expect(try machine.once().status == 75)
        try laboratory.activateReferences(from: "edge-01")
        #expect(try machine.once().status == 0)
        try machine.reboot(into: "b-initrd")
        let refused = try machine.once()
        #expect(refused.status == 2, "\(refused.text) \(refused.errorText)")
        try machine.reboot(into: "golden")
        #expect(try machine.once().status == 0, "the evidence itself is good again")
        let denied = try laboratory.admission("edge-01")
        #expect(denied.decision == .deny)
        #expect(denied.reason == "ADM_STICKY_FAIL")
        let history = try laboratory.json(["node", "history", "edge-01"], of: Page<VerdictSummary>.self)
        let failed = try #require(history.items.first { $0.verdict == .fail })
        let cleared = try laboratory.run(
            "node", "clear", "edge-01", "--verdict", failed.verdictID, "--reason", "initrd restored")
        #expect(cleared.status == 0, "\(cleared.errorText)")
        #expect(try machine.once().status == 0)
        #expect(try laboratory.admission("edge-01").decision == .admit)
    }

    @Test("Both EK families of swtpm enroll: RSA-2048 and ECC P-384", arguments: ["rsa", "ecc"])
    func bothEndorsementKeys(_ kind: String) async throws {
        let laboratory = try Laboratory()
        try await laboratory.start()
        let machine = try Machine("edge-\(kind)", in: laboratory, endorsementKey: kind)
        _ = try laboratory.run("node", "add", machine.id, "--ek-spki-sha256", try machine.endorsementKeySPKI())
        #expect(try machine.once().status == 75, "\(laboratory.log("verifier"))")
        #expect(try laboratory.node(machine.id).lifecycle == .enrolled)
    }

    @Test("ID-21, ID-22: a node outside the manifest waits as pending, and approval alone does not admit it")
    func pending() async throws {
        let laboratory = try Laboratory()
        try await laboratory.start()
        let machine = try Machine("edge-01", in: laboratory)
        try machine.startAgent()
        _ = try await eventually("the node is pending") {
            (try? laboratory.node("edge-01")).flatMap { $0.lifecycle == .pending ? $0 : nil }
        }
        #expect(try laboratory.admission("edge-01").reason == "ADM_PENDING")
        #expect(try laboratory.run("node", "approve", "edge-01", "--reason", "delivery note").status == 0)
        #expect(try laboratory.admission("edge-01").decision == .deny)
        // A new start asks at once instead of after the pending node's pause.
        machine.stopAgent()
        try machine.startAgent()
        _ = try await laboratory.nextVerdict(of: "edge-01")
        try laboratory.activateReferences(from: "edge-01")
        _ = try await laboratory.nextVerdict(of: "edge-01") { $0.verdict == .pass }
        #expect(try laboratory.admission("edge-01").decision == .admit)
    }

    @Test("QF-19: a TPM reset under the same kernel boot is refused as unexplained")
    func unexplainedReset() async throws {
        let (laboratory, machine) = try await Machine.admitted("edge-01")
        try machine.resetTPMOnly(measuring: "golden")
        #expect(try machine.once().status == 2)
        let verdict = try #require(try laboratory.node("edge-01").lastVerdict)
        #expect(verdict.reasons.contains("QUOTE_RESET_UNEXPLAINED"), "\(verdict.reasons)")
    }

    @Test("IM-11: another kernel without a TPM reset is refused, explained, and good again after a real reboot alone")
    func kexec() async throws {
        let (laboratory, machine) = try await Machine.admitted("edge-01")
        try machine.kexec()
        #expect(try machine.once().status == 2)
        #expect(try machine.once().status == 2)
        let verdict = try #require(try laboratory.node("edge-01").lastVerdict)
        #expect(verdict.reasons == ["BOOT_WITHOUT_RESET"])
        let explained = try laboratory.run("node", "explain", "edge-01")
        for text in [
            "Changed  the kernel that runs", "Reboot   unexplained", "without a reset of the TPM (reset stays",
            "Next     find out who",
        ] {
            #expect(explained.text.contains(text), "\(explained.text)")
        }
        let boots = try laboratory.json(["node", "boots", "edge-01"], of: Page<RebootView>.self)
        #expect(boots.items.first?.isWithoutReset == true && boots.items.first?.findings == ["BOOT_WITHOUT_RESET"])
        // What the screen says to clear is what clear takes, though the node failed twice.
        let words = explained.text.split(whereSeparator: \.isWhitespace)
        let place = try #require(words.lastIndex(of: "--verdict"))
        try machine.reboot(into: "golden")
        #expect(
            try laboratory.run("node", "clear", "edge-01", "--verdict", String(words[place + 1]), "--reason", "kexec")
                .status == 0)
        #expect(try machine.once().status == 0)
        #expect(try laboratory.admission("edge-01").decision == .admit)
    }
}

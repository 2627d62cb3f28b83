import AttestationMessages
import Foundation
import SoftwareTPM
import Testing

/// What a node runs, judged by its kernel's measurement list: real programs, a real TPM in software.
@Suite(
    "Measurement lists, with real programs", .serialized,
    .enabled(if: Programs.isComplete, Comment(rawValue: Programs.requirement)))
struct MeasurementListTests {
    /// A verifier whose references know what the machine ran and `/opt/later`, and the machine, admitted.
    private func start() async throws -> (Laboratory, Machine) {
        let laboratory = try Laboratory()
        try await laboratory.start()
        let machine = try Machine("edge-01", in: laboratory)
        try machine.startMeasuring()
        for number in 0..<30 { try machine.run(file: "/usr/bin/tool-\(number)") }
        let root = laboratory.directory.file("package")
        try FileManager.default.createDirectory(atPath: "\(root)/opt", withIntermediateDirectories: true)
        // The list builder makes a file's digest out of its path.
        try writeFile(Array("/opt/later".utf8), to: "\(root)/opt/later")
        // The operators' way: a bundle of a clean machine, captured with what runs, and what the next package brings.
        let bundle = laboratory.directory.file("bundle.json")
        let captured = try runProcess(
            Programs.agent,
            ["capture", "--config", laboratory.directory.file("agent-edge-01.toml"), "--file", bundle])
        #expect(captured.status == 0, "\(captured.errorText)")
        let set = laboratory.directory.file("set.json")
        let draft = try laboratory.run(
            "reference", "capture", "mec-server", "--runtime", "--evidence", bundle, "-o", "json")
        #expect(draft.status == 0, "\(draft.errorText)")
        try writeFile(draft.stdout, to: set)
        let whole = try laboratory.run("reference", "import", "--directory", root, "--into", set, "-o", "json")
        #expect(whole.status == 0, "\(whole.errorText)")
        try writeFile(whole.stdout, to: set)
        let proposed = try laboratory.json(
            ["reference", "propose", "mec-server", "--document", "@\(set)", "--reason", "test"], of: ReferenceView.self)
        _ = try laboratory.json(
            as: "bob",
            ["reference", "approve", "mec-server", "--sha256", proposed.documentSHA256, "--reason", "test"],
            of: ReferenceView.self)
        _ = try laboratory.json(["reference", "activate", "mec-server", "--reason", "test"], of: ReferenceView.self)
        _ = try laboratory.run("node", "add", "edge-01", "--ek-spki-sha256", try machine.endorsementKeySPKI())
        let admitted = try machine.once()
        #expect(admitted.status == 0, "\(admitted.text) \(admitted.errorText) \(laboratory.log("verifier"))")
        return (laboratory, machine)
    }

    @Test("IM-01: a node passes with what the references know, and is refused for a file that they do not, by name")
    func unknownFile() async throws {
        let (laboratory, machine) = try await start()
        #expect(try laboratory.admission("edge-01").decision == .admit)
        try machine.run(file: "/opt/later")
        #expect(try machine.once().status == 0)
        try machine.run(file: "/root/evil")
        #expect(try machine.once().status == 2)
        let verdict = try #require(try laboratory.node("edge-01").lastVerdict)
        #expect(verdict.firstBrokenLayer == "runtime" && verdict.reasons == ["IMA_UNKNOWN_FILE"])
        #expect(try laboratory.admission("edge-01").decision == .deny)
        let explained = try laboratory.run("node", "explain", "edge-01")
        #expect(explained.text.contains("/root/evil"), "\(explained.text)")
        let alarm = try await eventually("the alarm in the SIEM's file") {
            laboratory.events().first { $0["event"] as? String == "IMA_UNKNOWN_FILE" }
        }
        #expect(alarm["severity"] as? String == "high")
        // The next boot starts a list of its own, and the sticky failure stays an operator's matter.
        try machine.reboot(into: "golden")
        try machine.startMeasuring()
        #expect(try machine.once().status == 2, "two entries are too few: IMA_NOT_ACTIVE")
        for number in 0..<30 { try machine.run(file: "/usr/bin/tool-\(number)") }
        #expect(try machine.once().status == 0)
        #expect(try laboratory.admission("edge-01").reason == "ADM_STICKY_FAIL")
    }

    @Test("IM-08: a verifier that was killed between two increments goes on where the last verdict ended")
    func killed() async throws {
        let (laboratory, machine) = try await start()
        for round in 0..<3 {
            laboratory.stop(atOnce: true)
            try machine.run(file: round == 2 ? "/opt/other" : "/opt/later")
            try await laboratory.start()
            #expect(try machine.once().status == (round == 2 ? 2 : 0), "round \(round): \(laboratory.log("verifier"))")
        }
        #expect(try laboratory.run(as: "bob", "audit", "verify").status == 0)
    }

    @Test("IM-06: PCR 10 extended from user space is IMA_REPLAY, and no later list makes it good")
    func extendedByHand() async throws {
        let (laboratory, machine) = try await start()
        _ = try machine.tpm.tool("tpm2_pcrextend", ["10:sha256=\(String(repeating: "5a", count: 32))"])
        for _ in 0..<2 {
            #expect(try machine.once().status == 2)
            let verdict = try #require(try laboratory.node("edge-01").lastVerdict)
            #expect(verdict.firstBrokenLayer == "runtime" && verdict.reasons.contains("IMA_REPLAY"))
            try machine.run(file: "/opt/later")
        }
    }

    @Test(
        "AV-02: a first upload of 100,000 entries is judged within 200 MiB, and a list over the cap is refused with 413"
    )
    func giant() async throws {
        let laboratory = try Laboratory(oneOperator: "fleet")
        try await laboratory.start()
        let identity = laboratory.identity("fleet")
        // A node in software: a TPM takes minutes for so many extends. A debug build is not held to the 2 s of Tools/fleet.
        let result = try runProcess(
            "\(Programs.directory)/bootgate-fleet",
            [
                "--port", "\(laboratory.mainPort)", "--enrollment-port", "\(laboratory.enrollmentPort)", "--ca-file",
                laboratory.caFile, "--certificate", identity.certificate, "--key", identity.key, "--event-log",
                Programs.exampleBoot("golden"), "--list-entries", "100000", "--list-files", "2000",
                "--verifier-pid", "\(laboratory.verifier?.pid ?? 0)", "--most-kibibytes", "\(200 * 1024)",
            ])
        print(result.text)
        #expect(result.status == 0, "\(result.text) \(result.errorText) \(laboratory.log("verifier"))")
        #expect(result.text.contains("over the cap HTTP 413"))
    }
}

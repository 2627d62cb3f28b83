import AttestationMessages
import Foundation
import SoftwareTPM
import Testing

/// The outbox of the real verifier while its SIEM is away, and when the SIEM leaves the configuration.
@Suite(
    "Outbox, real verifier", .serialized,
    .enabled(if: Programs.isComplete, Comment(rawValue: Programs.requirement)))
struct OutboxTests {
    /// A collector that nobody runs: port 1 refuses.
    private func away(_ laboratory: Laboratory) -> String {
        """
        [[siem]]
        name = "away"
        kind = "syslog-tls"
        host = "127.0.0.1"
        port = 1
        ca-file = "\(laboratory.caFile)"

        """
    }

    private func configure(_ laboratory: Laboratory, _ text: String) throws {
        let folder = laboratory.directory.file("verifier.d")
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try writeFile(Array(text.utf8), to: "\(folder)/siem.toml")
    }

    private func metric(_ name: String, _ laboratory: Laboratory) throws -> Double? {
        let text = try laboratory.curl("/metrics", as: nil, port: laboratory.loopbackPort).body
        return text.split(separator: "\n").first { $0.hasPrefix(name) }?.split(separator: " ").last.flatMap {
            Double($0)
        }
    }

    @Test("SO-05: 1 MiB of undelivered events: SIEM_BACKLOG, readiness degraded, the outbox stays below its cap")
    func cap() async throws {
        let laboratory = try Laboratory(configuration: "[limits]\nsiem-outbox-mebibytes = 1\n")
        try configure(laboratory, away(laboratory))
        try await laboratory.start()
        #expect(try laboratory.curl("/readyz", as: nil, port: laboratory.loopbackPort).body == "{\"status\":\"ok\"}")
        let alice = laboratory.identity("alice")
        let url = "https://localhost:\(laboratory.mainPort)/v1/siem/test"
        let urls = (0..<7_000).map { _ in "url = \"\(url)\"\noutput = \"/dev/null\"\n" }.joined()
        let file = try laboratory.directory.write(Array(urls.utf8), to: "urls")
        let posts = try runProcessSuccessfully(
            "curl",
            ["-sS", "-K", file, "-X", "POST", "-w", "%{http_code}\n", "--cacert", laboratory.caFile]
                + ["--cert", alice.certificate, "--key", alice.key], timeoutSeconds: 600)
        #expect(posts.text.split(separator: "\n").filter { $0 != "200" } == [])
        try await eventually("the outbox is folded") {
            try laboratory.json(["alarm", "list"], of: Page<AlarmView>.self).items
                .contains { $0.eventID == "SIEM_FOLDED" } ? true : nil
        }
        try await eventually("the outbox is below its cap") {
            (try metric("bootgate_siem_outbox_bytes", laboratory) ?? .infinity) <= 1_048_576 ? true : nil
        }
        let alarms = try laboratory.json(["alarm", "list"], of: Page<AlarmView>.self).items
        #expect(alarms.first { $0.eventID == "SIEM_BACKLOG" }?.severity == "high")
        let probe = try laboratory.curl("/readyz", as: nil, port: laboratory.loopbackPort)
        #expect(probe.status == 200)
        #expect(probe.body == "{\"reasons\":[\"siem-backlog\"],\"status\":\"degraded\"}")
    }

    @Test("A destination that left the configuration keeps its events until an operator drops it")
    func removedDestination() async throws {
        let laboratory = try Laboratory()
        try configure(laboratory, away(laboratory))
        try await laboratory.start()
        #expect(try laboratory.run("siem", "drop", "away", "--reason", "test").status != 0)
        laboratory.stop()
        try configure(laboratory, "")
        try await laboratory.start()
        let list = try laboratory.json(["siem", "list"], of: Page<SIEMDestinationView>.self).items
        let away = try #require(list.first { $0.name == "away" })
        #expect(away.removedAtMilliseconds != nil && away.backlog > 0)
        #expect(try laboratory.run("siem", "list").text.contains("not configured since"))
        #expect(try laboratory.json(["verifier", "status"], of: VerifierStatus.self).siemBacklog > 0)
        try await eventually("the remaining destination hears of it") {
            laboratory.events().contains { $0["event"] as? String == "SIEM_DESTINATION_REMOVED" } ? true : nil
        }
        let dropped = try laboratory.run("siem", "drop", "away", "--reason", "replaced")
        #expect(dropped.status == 0, "\(dropped.errorText)")
        #expect(
            try laboratory.json(["siem", "list"], of: Page<SIEMDestinationView>.self).items.map(\.name) == ["file"])
        try await eventually("it is told") {
            laboratory.events().contains { $0["event"] as? String == "SIEM_DESTINATION_DROPPED" } ? true : nil
        }
    }
}

import ByteParsing
import Foundation
import SoftwareTPM
import TestVectors
import Testing

@Suite("bootgate inspect ima, offline")
struct InspectIMATests {
    private let folder: TemporaryDirectory
    private let vector = TestVectors.golden
    init() throws { folder = try TemporaryDirectory() }

    private func path(_ file: String) -> String { vector.folder.appendingPathComponent(file).path }
    private func report(_ arguments: String...) throws -> [String: Any] {
        let run = try runProcess(BootgateProcess.path, ["inspect", "ima"] + arguments + ["-o", "json"])
        #expect(run.status == 0, "\(run.errorText)")
        return try BootgateProcess.json(run)
    }
    private func ids(_ report: [String: Any]) -> [String] {
        (report["findings"] as? [[String: Any]] ?? []).compactMap { $0["id"] as? String }
    }

    @Test("A booted machine's list: counts, registers, the whole list as the prefix that its TPM stands for")
    func golden() throws {
        let report = try report(path("ima_binary"), "--pcrs", path("pcrs.yaml"))
        #expect(report["entryCount"] as? Int == 54 && report["violations"] as? Int == 0)
        #expect(report["templates"] as? [String: Int] == ["ima-ng": 54])
        #expect(report["templateDigests"] as? [String: Int] == ["matching": 54, "notMatching": 0])
        let pcrs = try #require(report["pcrs"] as? [String: [String: String]])
        let held = try vector.pcrs
        #expect(pcrs["sha1"]?["10"] == held["sha1"]?[10] && pcrs["sha256"]?["10"] == held["sha256"]?[10])
        let padded = try #require(report["paddedSHA1"] as? [String: [String: String]])
        #expect(padded["sha384"]?["10"] == held["sha384"]?[10] && padded["sha256"]?["10"] != nil)
        #expect(report["matchedPrefix"] as? Int == 54)
        #expect((report["matchedAs"] as? [String: String])?["sha512"] == "padded-sha1")
        #expect((report["bootAggregate"] as? [String: Any])?["comparison"] as? String == "agrees")
        #expect(ids(report).isEmpty)
        // The text form holds the same entries.
        let text = try self.report(path("ima_ascii"))
        #expect(text["pcrs"] as? [String: [String: String]] == pcrs.filter { ["sha1", "sha256"].contains($0.key) })
        #expect(text["matchedPrefix"] is NSNull)
    }

    @Test("An entry dropped leaves no prefix, and findings that say so; entries are listed on demand")
    func dropped() throws {
        let list = try vector.bytes("ima_binary")
        let entries = try #require(try report(path("ima_binary"), "--entries")["entries"] as? [[String: Any]])
        #expect(entries.count == 54 && entries[1]["name"] as? String == "/init")
        #expect((entries[1]["fileDigest"] as? String)?.hasPrefix("sha256:d9355cab") == true)
        let offsets = entries.compactMap { $0["offset"] as? Int }
        let cut = try folder.write(list[..<offsets[5]] + list[offsets[6]...], to: "cut.bin")
        let report = try report(cut, "--pcrs", path("pcrs.yaml"))
        #expect(report["matchedPrefix"] is NSNull && ids(report) == ["IMA_REPLAY"])
        let trimmed = try folder.write(list[offsets[3]...], to: "trimmed.bin")
        #expect(Set(ids(try self.report(trimmed))) == ["IMA_TRIMMED", "IMA_BOOT_AGGREGATE"])
        let evidence = try BootgateProcess.json(
            BootgateProcess.run("inspect", "evidence", vector.folder.path, "-o", "json"))
        let summary = try #require(evidence["measurementList"] as? [String: Any])
        #expect(summary["replay"] as? String == "agrees" && summary["matchedPrefix"] as? Int == 54)
    }

    @Test("A cut list ends with exit code 65 and names field and offset; a missing file too")
    func truncation() throws {
        let list = try vector.bytes("ima_binary")
        for length in [1, 3, 20, 33, 100, 102, 192, 300, list.count - 1] {
            let run = try BootgateProcess.run("inspect", "ima", folder.write(list.prefix(length), to: "cut.bin"))
            #expect(run.status == 65 && run.errorText.contains("offset"), "\(length): \(run.errorText)")
            #expect(run.stdout.isEmpty)
        }
        let stray = try BootgateProcess.run("inspect", "ima", folder.write(list + [0x0A], to: "stray.bin"))
        #expect(stray.status == 65 && stray.errorText.contains("offset \(list.count)"))
        #expect(try BootgateProcess.run("inspect", "ima", folder.path + "/none").status == 65)
    }

    @Test("IM-05, TA-16: a name with newlines and escape sequences stays one entry and never reaches the terminal raw")
    func hostileName() throws {
        var list = try vector.bytes("ima_binary")
        let victim = Array("/bin/busybox".utf8)
        let hostile = Array("/\u{1B}[2J\n10 a\\b".utf8)
        #expect(hostile.count <= victim.count)
        let start = try #require(list.indices.first { list[$0...].starts(with: victim) })
        let padding = [UInt8](repeating: 0x78, count: victim.count - hostile.count)
        list.replaceSubrange(start..<start + victim.count, with: hostile + padding)
        let file = try folder.write(list, to: "hostile.bin")
        #expect(try report(file)["entryCount"] as? Int == 54)
        #expect(ids(try report(file)) == ["IMA_TEMPLATE_DIGEST"])
        for format in ["table", "json"] {
            let run = try BootgateProcess.run("inspect", "ima", file, "--entries", "-o", format)
            #expect(run.status == 0)
            #expect(run.stdout.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x0A || $0 == 0x09 })
            #expect(run.text.contains("[2J") && !run.text.contains("\n10 a"))
        }
    }
}

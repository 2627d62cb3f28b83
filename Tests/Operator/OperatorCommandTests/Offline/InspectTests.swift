import ByteParsing
import Foundation
import SoftwareTPM
import TestVectors
import Testing

@Suite("bootgate inspect, offline")
struct InspectTests {
    private let folder: TemporaryDirectory
    private let vector = TestVectors.golden
    init() throws { folder = try TemporaryDirectory() }

    private func path(_ file: String) -> String { vector.folder.appendingPathComponent(file).path }

    @Test("eventlog prints what scripts rely on, and compares with given registers")
    func eventLog() throws {
        let run = try BootgateProcess.run(
            "inspect", "eventlog", path("eventlog.bin"), "--pcrs", path("pcrs.yaml"), "-o", "json")
        #expect(run.status == 0)
        let report = try BootgateProcess.json(run)
        #expect(report["format"] as? String == "crypto-agile")
        #expect(report["eventCount"] as? Int == 50)
        let pcrs = report["pcrs"] as? [String: [String: String]]
        #expect(pcrs?["sha256"]?["7"] == (try vector.pcrs["sha256"]?[7]))
        #expect(pcrs?["sha256"]?["11"] == nil)
        let replay = report["replay"] as? [String: [String: String]]
        #expect(replay?["sha256"]?.values.allSatisfy { $0 == "match" } == true)
        let event = try #require((report["events"] as? [[String: Any]])?.first)
        for key in ["index", "pcr", "untrustedType", "digests", "dataVerified", "description"] {
            #expect(event[key] != nil, "\(key)")
        }
        let other = try BootgateProcess.run(
            "inspect", "eventlog", TestVectors.userExtendedPCR8.folder.appendingPathComponent("eventlog.bin").path,
            "--pcrs", TestVectors.userExtendedPCR8.folder.appendingPathComponent("pcrs.yaml").path, "-o", "json")
        let mismatch = try BootgateProcess.json(other)["replay"] as? [String: [String: String]]
        #expect(mismatch?["sha256"]?["8"] == "mismatch")
    }

    @Test("eventlog --diff names what changed, the likely cause and the next step")
    func eventLogDiff() throws {
        let other = TestVectors.changedCommandLine.folder.appendingPathComponent("eventlog.bin").path
        let run = try BootgateProcess.run("inspect", "eventlog", other, "--diff", path("eventlog.bin"), "-o", "json")
        #expect(run.status == 0)
        let report = try BootgateProcess.json(run)
        #expect(report["same"] as? Bool == false)
        #expect(report["changedRegisters"] as? [Int] == [8, 9])
        let cause = try #require((report["causes"] as? [[String: Any]])?.first)
        #expect(cause["cause"] as? String == "command-line")
        #expect((cause["nextStep"] as? String)?.isEmpty == false)
        let changes = try #require(report["changes"] as? [[String: Any]])
        #expect(changes.count == 3)
        #expect(changes.contains { $0["component"] as? String == "kernel-command-line" })
        let text = try BootgateProcess.run("inspect", "eventlog", other, "--diff", path("eventlog.bin")).text
        #expect(text.contains("likely cause: kernel command line changed") && text.contains("next step: "))
        let same = try BootgateProcess.run("inspect", "eventlog", path("eventlog.bin"), "--diff", path("eventlog.bin"))
        #expect(same.status == 0 && same.text.contains("the same boot"))
        let cut = try folder.write(try vector.eventLog.dropLast(), to: "cut.bin")
        #expect(try BootgateProcess.run("inspect", "eventlog", path("eventlog.bin"), "--diff", cut).status == 65)
        let both = try BootgateProcess.run(
            "inspect", "eventlog", other, "--diff", path("eventlog.bin"), "--pcrs", path("pcrs.yaml"))
        #expect(both.status == 64)
    }

    @Test(
        "EL-13: size fields of up to 4 GiB end with exit code 65 and cost no memory",
        .enabled(if: isInstalled("python3"), "needs python3 (Tools/test installs it)"))
    func hugeSizes() throws {
        let log = try vector.eventLog
        // The header's size, then count and size fields of the first record behind it (four banks).
        let places = [28, 77 + 8, 77 + 12 + 4 * 2 + 20 + 32 + 48 + 64]
        var files: [String] = []
        for (number, place) in places.enumerated() {
            for value in [0x7F, 0xFF] as [UInt8] {
                var bytes = log
                bytes.replaceSubrange(place..<place + 4, with: [0xFF, 0xFF, 0xFF, value])
                files.append(try folder.write(bytes, to: "huge-\(number)-\(value).bin"))
            }
        }
        let script = """
            import resource, subprocess, sys
            program, honest, *files = sys.argv[1:]
            def run(file):
                status = subprocess.run([program, "inspect", "eventlog", file], capture_output=True).returncode
                return status, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
            status, usual = run(honest)
            print(status, 0)
            for file in files:
                status, peak = run(file)
                print(status, peak - usual)
            """
        let run = try runProcess("python3", ["-c", script, BootgateProcess.path, path("eventlog.bin")] + files)
        let lines = run.text.split(separator: "\n").map { $0.split(separator: " ").compactMap { Int($0) } }
        #expect(lines.count == files.count + 1 && lines.first == [0, 0], "\(run.errorText)")
        for line in lines.dropFirst() {
            #expect(line.first == 65)
            // In KiB, above what reading the honest log takes.
            #expect((line.last ?? .max) < 64 * 1024)
        }
    }

    @Test("A cut event log, quote, signature or public area ends with exit code 65 and the offset")
    func truncation() throws {
        let log = try vector.eventLog
        // 77 bytes are the header alone: a log that ends between two records is only shorter, which replay shows.
        for length in [0, 1, 7, 31, 32, 64, 76, 78, 100, log.count / 2, log.count - 1] {
            let file = try folder.write(log.prefix(length), to: "cut.bin")
            let run = try BootgateProcess.run("inspect", "eventlog", file)
            #expect(run.status == 65, "\(length)")
            #expect(run.errorText.contains("offset"), "\(run.errorText)")
        }
        let area = try vector.attestationKeyPublic
        for length in stride(from: 0, to: area.count, by: 7) {
            let file = try folder.write(area.prefix(length), to: "cut.pub")
            let run = try BootgateProcess.run("inspect", "public", file)
            #expect(run.status == 65, "\(length)")
            #expect(run.errorText.contains("offset"), "\(run.errorText)")
        }
        let quote = try vector.quoteMessage
        for length in stride(from: 0, to: quote.count, by: 13) {
            let file = try folder.write(quote.prefix(length), to: "cut.msg")
            let run = try inspectQuote(attest: file, signature: path("quote.sig"))
            #expect(run.status == 65, "\(length)")
            #expect(run.errorText.contains("offset"), "\(run.errorText)")
        }
        let signature = try folder.write(try vector.quoteSignature.dropLast(), to: "cut.sig")
        #expect(try inspectQuote(attest: path("quote.msg"), signature: signature).status == 65)
    }

    private func inspectQuote(attest: String, signature: String, nonce: String? = nil) throws -> ProcessResult {
        try BootgateProcess.run(
            "inspect", "quote", "--attest", attest, "--signature", signature, "--ak", path("ak.pub"), "--nonce",
            nonce ?? Hex.encode(try vector.qualifyingData), "--pcrs", path("pcrs.yaml"), "-o", "json")
    }

    @Test("quote verifies, and a wrong nonce or signature is a finding, not a crash")
    func quote() throws {
        let good = try BootgateProcess.json(
            inspectQuote(attest: path("quote.msg"), signature: path("quote.sig")))
        #expect(good["verified"] as? Bool == true)
        #expect((good["pcrSelection"] as? [String: [Int]])?["sha256"]?.count == 24)
        #expect((good["clock"] as? [String: Any])?["resetCount"] as? Int != nil)
        let wrong = try inspectQuote(attest: path("quote.msg"), signature: path("quote.sig"), nonce: "00")
        #expect(wrong.status == 0)
        #expect(try BootgateProcess.json(wrong)["verified"] as? Bool == false)
        #expect(wrong.text.contains("QUOTE_NONCE"))
        var signature = try vector.quoteSignature
        signature[signature.count - 1] ^= 1
        let flipped = try folder.write(signature, to: "flipped.sig")
        #expect(try inspectQuote(attest: path("quote.msg"), signature: flipped).text.contains("QUOTE_SIGNATURE"))
    }

    @Test("public says whether a key could be an attestation key")
    func publicArea() throws {
        let run = try BootgateProcess.run("inspect", "public", path("ak.pub"), "-o", "json")
        let report = try BootgateProcess.json(run)
        #expect(report["attestationKey"] as? Bool == true)
        #expect(report["key"] as? String == "P-256")
    }

    @Test("TA-16: control characters from a log never reach the terminal")
    func ta16() throws {
        var log = try vector.eventLog
        let victim = Array("serial --unit=0".utf8)
        let hostile = Array("\u{1B}]0;x\u{7}\u{1B}[2J\u{9B}\r\n\u{8}abc".utf8.prefix(victim.count))
        let start = try #require(log.indices.first { log[$0...].starts(with: victim) })
        log.replaceSubrange(start..<start + hostile.count, with: hostile)
        let file = try folder.write(log, to: "hostile.bin")
        for format in ["table", "json"] {
            let run = try BootgateProcess.run("inspect", "eventlog", file, "-o", format)
            #expect(run.status == 0)
            #expect(run.stdout.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x0A || $0 == 0x09 })
            #expect(!run.text.unicodeScalars.contains { (0x80..<0xA0).contains($0.value) })
        }
        let run = try BootgateProcess.run("inspect", "eventlog", "no\u{1B}[2Jsuch")
        #expect(run.status == 65)
        #expect(run.stderr.allSatisfy { $0 >= 0x20 || $0 == 0x0A || $0 == 0x09 })
    }
}

import ByteParsing
import Crypto
import Foundation
import SoftwareTPM
import TestVectors
import Testing

@Suite("bootgate appraise, reference capture and diff, offline")
struct AppraiseTests {
    private let folder: TemporaryDirectory
    private let references: String

    init() throws {
        folder = try TemporaryDirectory()
        let draft = try BootgateProcess.run(
            "reference", "capture", "golden", "--evidence", TestVectors.golden.folder.path, "-o", "json")
        try #require(draft.status == 0, "\(draft.errorText)")
        references = try folder.write(draft.stdout, to: "golden.json")
    }

    private func appraise(_ evidence: String) throws -> (status: Int32, result: [String: Any]) {
        let run = try BootgateProcess.run("appraise", "--evidence", evidence, "--references", references, "-o", "json")
        return (run.status, run.stdout.isEmpty ? [:] : try BootgateProcess.json(run))
    }

    /// A copy of a variant without some of its files.
    private func copy(_ vector: MeasuredBootVector, without missing: Set<String> = []) throws -> TemporaryDirectory {
        let copy = try TemporaryDirectory()
        for file in ["eventlog.bin", "quote.msg", "quote.sig", "pcrs.yaml", "ak.pub", "nonce"]
        where !missing.contains(file) {
            _ = try copy.write(try vector.bytes(file), to: file)
        }
        return copy
    }

    private func findings(_ result: [String: Any]) -> [[String: Any]] {
        (result["layers"] as? [[String: Any]] ?? []).flatMap { $0["findings"] as? [[String: Any]] ?? [] }
    }

    @Test("The captured machine passes with exit code 0, and the result says draft and assumed")
    func golden() throws {
        let (status, result) = try appraise(TestVectors.golden.folder.path)
        #expect(status == 0)
        #expect(result["verdict"] as? String == "pass")
        #expect(result["referenceStatus"] as? String == "draft")
        #expect(result["identity"] as? String == "assumed")
        #expect(result["binding"] as? String == "nonce-only")
        #expect((result["layers"] as? [[String: Any]])?.count == 10)
    }

    @Test("A capture of several machines says what is the same and what is not, as text and as JSON with the set in it")
    func captureReport() throws {
        let folders = [TestVectors.golden, TestVectors.golden, TestVectors.changedCommandLine].map(\.folder.path)
        let json = try runProcess(
            BootgateProcess.path, ["reference", "capture", "--report", "-o", "json", "--evidence"] + folders)
        #expect(json.status == 0, "\(json.errorText)")
        let report = try BootgateProcess.json(json)
        #expect(report["machines"] as? Int == 3 && (report["sources"] as? [String])?.count == 3)
        let differences = try #require(report["differences"] as? [[String: Any]])
        #expect(differences.contains { $0["pcr"] as? Int == 8 && $0["proposal"] as? String == "alternatives" })
        #expect((report["set"] as? [String: Any])?["format"] as? String == "bootgate-reference-set/v1")
        let text = try runProcess(BootgateProcess.path, ["reference", "capture", "--evidence"] + folders)
        #expect(text.status == 0)
        for part in ["Captured from 3 machines", "alternatives", "kernel command line", "brittle"] {
            #expect(text.text.contains(part), "\(part)")
        }
        #expect(try BootgateProcess.run("reference", "capture", "n", "--node", "a", "--report").status == 64)
    }

    @Test("Another command line fails with exit code 2 and shows it")
    func commandLine() throws {
        let (status, result) = try appraise(TestVectors.changedCommandLine.folder.path)
        #expect(status == 2)
        let finding = try #require(findings(result).first { $0["id"] as? String == "REF_CMDLINE" })
        #expect(finding["layer"] as? String == "kernel")
        #expect((finding["expected"] as? String)?.hasPrefix("/boot/vmlinuz ") == true)
        #expect(finding["expected"] as? String != finding["seen"] as? String)
        let event = try #require(result["firstDivergentEvent"] as? [String: Any])
        for key in ["pcr", "index", "untrustedType", "name", "expected", "seen"] {
            #expect(event[key] != nil, "\(key)")
        }
    }

    @Test("PCR 8 extended from the running system fails in the layer kernel with LOG_REPLAY")
    func userExtended() throws {
        let (status, result) = try appraise(TestVectors.userExtendedPCR8.folder.path)
        #expect(status == 2)
        #expect(result["firstBrokenLayer"] as? String == "kernel")
        #expect(findings(result).contains { $0["id"] as? String == "LOG_REPLAY" && $0["pcr"] as? Int == 8 })
    }

    @Test("Missing evidence is an error with exit code 75, and never a pass")
    func missing() throws {
        for file in ["quote.msg", "quote.sig", "ak.pub", "nonce", "pcrs.yaml", "eventlog.bin"] {
            let evidence = try copy(TestVectors.golden, without: [file])
            let (status, result) = try withExtendedLifetime(evidence) { try appraise(evidence.path) }
            #expect(status == 75, "\(file)")
            #expect(result["verdict"] as? String == "error", "\(file)")
        }
        #expect(try appraise("/nonexistent").status == 65)
    }

    @Test("A bad log is a fail with its finding, a bad quote an error, a wrong nonce a fail")
    func damaged() throws {
        let evidence = try copy(TestVectors.golden)
        let log = try TestVectors.golden.eventLog
        _ = try evidence.write(log.dropLast(3), to: "eventlog.bin")
        let cut = try appraise(evidence.path)
        #expect(cut.status == 2)
        #expect(findings(cut.result).contains { $0["id"] as? String == "LOG_TRUNCATED" })
        _ = try evidence.write(log, to: "eventlog.bin")
        _ = try evidence.write(try TestVectors.golden.quoteMessage.dropLast(), to: "quote.msg")
        let quote = try appraise(evidence.path)
        #expect(quote.status == 75)
        #expect(findings(quote.result).contains { $0["id"] as? String == "QUOTE_MALFORMED" })
        _ = try evidence.write(try TestVectors.golden.quoteMessage, to: "quote.msg")
        _ = try evidence.write(Array("00".utf8), to: "nonce")
        let nonce = try appraise(evidence.path)
        #expect(nonce.status == 2)
        #expect(nonce.result["firstBrokenLayer"] as? String == "tpm-identity")
        #expect(findings(nonce.result).contains { $0["id"] as? String == "QUOTE_NONCE" })
    }

    @Test("A bundle gives the same verdict as the folder it was made of")
    func bundle() throws {
        let vector = TestVectors.golden
        let document: [String: Any] = [
            "format": "bootgate-evidence-bundle/v1", "agentVersion": "test",
            "nonce": Base64URL.encode(try vector.qualifyingData), "quote": Base64URL.encode(try vector.quoteMessage),
            "signature": Base64URL.encode(try vector.quoteSignature),
            "akPublic": Base64URL.encode(Array(try vector.attestationKeyPublic.dropFirst(2))),
            "eventLog": Base64URL.encode(try vector.eventLog),
            "pcrs": try vector.pcrs.mapValues { registers in
                Dictionary(uniqueKeysWithValues: registers.map { (String($0.key), $0.value) })
            },
        ]
        let path = try folder.write(try JSONSerialization.data(withJSONObject: document), to: "bundle.json")
        #expect(try appraise(path).status == 0)
        let inspected = try BootgateProcess.run("inspect", "evidence", path, "-o", "json")
        #expect(inspected.status == 0)
        let log = try BootgateProcess.json(inspected)["eventLog"] as? [String: Any]
        #expect(log?["replay"] as? String == "agrees")
    }

    @Test("RV-02: a misspelt key in a reference set ends with exit code 65, naming the key")
    func schema() throws {
        let text = String(decoding: try readFile(references), as: UTF8.self)
            .replacingOccurrences(of: "\"onUnknown\"", with: "\"onUnknwon\"")
        let path = try folder.write(Array(text.utf8), to: "misspelt.json")
        let run = try BootgateProcess.run(
            "appraise", "--evidence", TestVectors.golden.folder.path, "--references", path)
        #expect(run.status == 65)
        #expect(run.errorText.contains("POL_SCHEMA"))
        #expect(run.errorText.contains("onUnkn"))
    }

    /// The captured set in two documents: boot loader and kernel over the rest.
    private func line() throws -> (child: String, parent: String) {
        var whole = try #require(
            try JSONSerialization.jsonObject(with: Data(readFile(references))) as? [String: Any])
        let upper: Set<String> = ["boot-loader", "kernel"]
        let layers = whole["layers"] as? [[String: Any]] ?? []
        let rules = whole["pcrs"] as? [[String: Any]] ?? []
        func isUpper(_ rule: [String: Any]) -> Bool { [4, 5, 8, 9, 11, 12, 13].contains(rule["pcr"] as? Int) }
        var child = whole
        whole["name"] = "model"
        whole["layers"] = layers.filter { !upper.contains($0["id"] as? String ?? "") }
        whole["pcrs"] = rules.filter { !isUpper($0) }
        let parent = try folder.write(JSONSerialization.data(withJSONObject: whole), to: "model.json")
        child["layers"] = layers.filter { upper.contains($0["id"] as? String ?? "") }
        child["pcrs"] = rules.filter(isUpper)
        child["extends"] = [
            "name": "model", "version": 3,
            "documentSHA256": Hex.encode(Array(SHA256.hash(data: Data(try readFile(parent))))),
        ]
        return (try folder.write(JSONSerialization.data(withJSONObject: child), to: "child.json"), parent)
    }

    @Test("A set that rests on another is judged over the file that it names by its SHA-256")
    func child() throws {
        let (child, parent) = try line()
        func run(_ evidence: MeasuredBootVector, _ arguments: String...) throws -> ProcessResult {
            try runProcess(
                BootgateProcess.path,
                ["appraise", "--evidence", evidence.folder.path, "--references", child] + arguments)
        }
        let golden = try run(TestVectors.golden, "--parent", parent, "-o", "json")
        #expect(golden.status == 0, "\(golden.text)\(golden.errorText)")
        let whole = try appraise(TestVectors.golden.folder.path).result
        let layers = { (result: [String: Any]) in
            (result["layers"] as? [[String: Any]] ?? []).map { "\($0["id"] ?? "") \($0["tier"] ?? "")" }
        }
        #expect(layers(try BootgateProcess.json(golden)) == layers(whole))
        #expect(try run(TestVectors.changedCommandLine, "--parent", parent).status == 2)
        let alone = try run(TestVectors.golden)
        #expect(alone.status == 65 && alone.errorText.contains("POL_PARENT"))
        #expect(alone.errorText.contains("model@3") && alone.errorText.contains("not given"))
        // Another formatting is another document.
        let other = try folder.write(try readFile(parent) + [0x0A], to: "other.json")
        let pinned = try run(TestVectors.golden, "--parent", other)
        #expect(pinned.status == 65 && pinned.errorText.contains("another document of it"))
        let unused = try run(TestVectors.golden, "--parent", parent, "--parent", references)
        #expect(unused.status == 64 && unused.errorText.contains("no set of --references rests on it"))
        let broken = try folder.write(Array("{}".utf8), to: "broken.json")
        let unread = try run(TestVectors.golden, "--parent", broken)
        #expect(unread.status == 65 && unread.errorText.contains("broken.json: POL_SCHEMA"))
    }

    @Test("diff names the changed command line")
    func diff() throws {
        let other = try BootgateProcess.run(
            "reference", "capture", "golden", "--evidence", TestVectors.changedCommandLine.folder.path, "-o", "json")
        let path = try folder.write(other.stdout, to: "other.json")
        let run = try BootgateProcess.run("reference", "diff", references, path, "-o", "json")
        #expect(run.status == 0)
        let changes = try BootgateProcess.json(run)["changes"] as? [[String: Any]] ?? []
        #expect(
            changes.contains { $0["name"] as? String == "kernel command line" && $0["kind"] as? String == "changed" })
        #expect(try BootgateProcess.run("reference", "diff", references, references).text.contains("equal"))
    }

    @Test("The committed example set passes its own machine and refuses the one with another initrd")
    func example() throws {
        let root = URL(fileURLWithPath: #filePath).appendingPathComponent("../../../../../ReferenceValues/examples")
            .standardizedFileURL.path
        for (variant, status) in [("golden", 0), ("b-initrd", 2)] as [(String, Int32)] {
            let run = try BootgateProcess.run(
                "appraise", "--evidence", "\(root)/measured-boot/\(variant)", "--references",
                "\(root)/golden-debian12.json")
            #expect(run.status == status, "\(run.text)\(run.errorText)")
            if status == 2 { #expect(run.text.contains("/boot/initrd.img")) }
        }
    }

    @Test("TA-16: hostile names of events in a reference set never reach the terminal, in table and JSON")
    func ta16() throws {
        let hostile = #""name" : "x\u001b]0;owned\u0007\u009b2J\u202e"#
        let text = String(decoding: try readFile(references), as: UTF8.self)
            .replacingOccurrences(of: "\"name\" : \"kernel command line", with: hostile)
        let path = try folder.write(Array(text.utf8), to: "hostile.json")
        for format in ["table", "json"] {
            let run = try BootgateProcess.run("reference", "diff", references, path, "-o", format)
            #expect(run.status == 0, "\(run.errorText)")
            #expect(run.text.contains("owned"))
            #expect(run.stdout.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x0A })
            #expect(!run.text.unicodeScalars.contains { (0x80..<0xA0).contains($0.value) || $0.value == 0x202E })
        }
    }

    @Test("A captured set is printed so that a person can review it: layers, registers, names, digests, command lines")
    func review() throws {
        let run = try BootgateProcess.run(
            "reference", "capture", "golden", "--evidence", TestVectors.golden.folder.path)
        #expect(run.status == 0)
        for part in [
            "AN UNKNOWN COMPONENT", "secure-boot-variable dbx", "kernel command line", "/boot/vmlinuz", "sha256:",
        ] {
            #expect(run.text.contains(part), "\(part)")
        }
    }

    @Test("Usage errors end with exit code 64, --help with 0")
    func usage() throws {
        #expect(try BootgateProcess.run("appraise").status == 64)
        #expect(try BootgateProcess.run("inspect", "nonsense").status == 64)
        #expect(try BootgateProcess.run("reference", "capture").status == 64)
        #expect(try BootgateProcess.run("inspect", "eventlog", "--help").text.contains("EXAMPLES"))
    }
}

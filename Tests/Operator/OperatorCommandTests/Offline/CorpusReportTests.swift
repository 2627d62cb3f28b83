import ByteParsing
import Foundation
import SoftwareTPM
import TestVectors
import Testing

@Suite("The corpus's known-right answers, through the operators' command")
struct CorpusReportTests {
    private static let root = URL(fileURLWithPath: #filePath).appendingPathComponent("../../../../..")
        .standardizedFileURL

    @Test(
        "Tools/corpus-report finds no difference that no decision explains",
        .enabled(if: TestVectors.corpus != nil, "\(TestVectors.corpusIsAbsent)"),
        .enabled(if: isInstalled("python3"), "needs python3 (Tools/test installs it)"))
    func report() throws {
        let corpus = try #require(TestVectors.corpus).root.path
        let run = try runProcess(
            "python3",
            [
                "-B", Self.root.appendingPathComponent("Tools/corpus-report").path, "--bootgate", BootgateProcess.path,
                "--corpus", corpus,
            ], timeoutSeconds: 300)
        #expect(
            run.status == 0, "\(run.text.split(separator: "\n").filter { $0.contains("DIFFERENT") })\(run.errorText)")
        // One line for each file, then the counts of each kind.
        for kind in ["eventlogs", "dbx", "ima", "quotes"] { #expect(run.text.contains("\n\(kind): "), "\(kind)") }
        let record = try String(
            contentsOf: Self.root.appendingPathComponent("Sources/Bootgate.docc/Decisions/0015-CorpusDifferences.md"),
            encoding: .utf8)
        for line in run.text.split(separator: "\n") {
            guard let start = line.firstIndex(of: "["), line.contains(": explained [") else { continue }
            let rules = line[line.index(after: start)...].prefix { $0 != "]" }.split(separator: ",")
            for rule in rules { #expect(record.contains("**\(rule.drop { $0 == " " }).**"), "\(line)") }
        }
    }

    @Test(
        "Tools/corpus-report ends with 1 on a difference that nothing explains, and with 0 without one",
        .enabled(if: isInstalled("python3"), "needs python3 (Tools/test installs it)"), arguments: [50, 51])
    func difference(events: Int) throws {
        let folder = try TemporaryDirectory()
        try folder.write(try TestVectors.golden.eventLog, to: "golden.bin")
        let quirks =
            #"{"shim_var_SbatLevel_as_EV_EFI_VARIABLE_AUTHORITY_pcr7":1,"shim_var_MokListRT_as_EV_EFI_VARIABLE_AUTHORITY_pcr7":1}"#
        let item =
            #"{"file":"golden.bin","kind":"eventlogs","expected":{"parse":"ok","events":\#(events)},"observed_quirks":\#(quirks)}"#
        try folder.write(Array(#"{"items":[\#(item)]}"#.utf8), to: "MANIFEST.json")
        let run = try runProcess(
            "python3",
            [
                "-B", Self.root.appendingPathComponent("Tools/corpus-report").path, "--bootgate", BootgateProcess.path,
                "--corpus", folder.path,
            ])
        #expect(run.status == (events == 50 ? 0 : 1), "\(run.text)\(run.errorText)")
        #expect(run.text.contains(events == 50 ? "golden.bin: same" : "golden.bin: DIFFERENT"))
        #expect(run.text.contains("eventlogs: 1 files: 1 "))
    }

    @Test("signature-list prints form, entries and the set's digest, and refuses a cut one with its offset")
    func signatureList() throws {
        let folder = try TemporaryDirectory()
        var writer = ByteWriter()
        writer.write([0x26, 0x16, 0xC4, 0xC1, 0x4C, 0x50, 0x92, 0x40, 0xAC, 0xA9, 0x41, 0xF9, 0x36, 0x93, 0x43, 0x28])
        for value in [28 + 48, 0, 48] as [UInt32] { writer.writeLittleEndian(value) }
        writer.write([UInt8](repeating: 0xAB, count: 48))
        let file = try folder.write(writer.bytes, to: "dbx.esl")
        let report = try BootgateProcess.json(BootgateProcess.run("inspect", "signature-list", file, "-o", "json"))
        #expect(report["form"] as? String == "signature-lists")
        #expect(report["entriesByType"] as? [String: Int] == ["sha256": 1])
        #expect((report["entrySetSHA256"] as? String)?.count == 64)
        let cut = try BootgateProcess.run("inspect", "signature-list", folder.write(writer.bytes.dropLast(), to: "cut"))
        #expect(cut.status == 65 && cut.errorText.contains("offset"))
    }
}

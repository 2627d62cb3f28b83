import Foundation
import SoftwareTPM
import TestVectors
import Testing

@Suite("bootgate reference predict and import, offline")
struct PredictTests {
    private let folder: TemporaryDirectory
    private let golden: String

    init() throws {
        folder = try TemporaryDirectory()
        let draft = try BootgateProcess.run(
            "reference", "capture", "golden", "--evidence", TestVectors.golden.folder.path, "-o", "json")
        try #require(draft.status == 0, "\(draft.errorText)")
        golden = try folder.write(draft.stdout, to: "golden.json")
    }

    private func verdict(_ variant: MeasuredBootVector, _ references: String) throws -> String? {
        let run = try BootgateProcess.run(
            "appraise", "--evidence", variant.folder.path, "--references", references, "-o", "json")
        return try BootgateProcess.json(run)["verdict"] as? String
    }

    @Test(
        "A planned change: the predicted set passes what boots then and refuses what booted before; alternatives pass both",
        .enabled(if: TestVectors.corpus != nil, "\(TestVectors.corpusIsAbsent)"),
        arguments: [
            ("grub-cmdline.cfg", "a-cmdline"), ("grub-changed.cfg", "e-grubcfg"), ("grub-comment.cfg", "e-grubcomment"),
        ])
    func references(_ configuration: String, _ name: String) throws {
        let corpus = try #require(TestVectors.corpus)
        let variant = corpus.measuredBoot(name)
        #expect(try verdict(variant, golden) == "fail")
        let common = [
            "reference", "predict", "--evidence", TestVectors.golden.folder.path, "--grub-config",
            corpus.root.appendingPathComponent("measured-boot/inputs/\(configuration)").path, "-o", "json",
            "--references",
            golden,
        ]
        for (options, old) in [([], "fail"), (["--alternatives"], "pass")] {
            let run = try BootgateProcess.run(common + options, home: folder.path)
            try #require(run.status == 0, "\(run.errorText)")
            let predicted = try folder.write(run.stdout, to: "predicted.json")
            #expect(try verdict(variant, predicted) == "pass")
            #expect(try verdict(TestVectors.golden, predicted) == old)
        }
    }

    @Test("The report names what changes, every register's value, and the quote behind the base")
    func report() throws {
        let configuration = try folder.write(Array("echo new\n".utf8) + Self.golden, to: "grub.cfg")
        let run = try BootgateProcess.run(
            "reference", "predict", "--evidence", TestVectors.golden.folder.path, "--grub-config", configuration, "-o",
            "json")
        try #require(run.status == 0, "\(run.errorText)")
        let report = try BootgateProcess.json(run)
        #expect(report["changedPCRs"] as? [Int] == [8, 9])
        #expect(report["baseQuoted"] as? Bool == true)
        let events = try #require(report["events"] as? [[String: Any]])
        let changes = events.filter { $0["change"] as? String != "kept" }
        #expect(
            changes.map { $0["name"] as? String } == [
                "file (hd0,gpt1)/EFI/debian/grub.cfg", "boot-loader-command echo new",
            ])
        #expect(changes.map { $0["change"] as? String } == ["changed", "added"])
        let table = try BootgateProcess.run(
            "reference", "predict", "--evidence", TestVectors.golden.folder.path, "--grub-config", configuration)
        #expect(String(decoding: table.stdout, as: UTF8.self).contains("boot-loader-command echo new"))
    }

    /// measured-boot/inputs/grub-golden.cfg.
    private static let golden = Array(
        """
        set timeout=0
        serial --unit=0 --speed=115200
        terminal_output serial console
        search --no-floppy --set=root --fs-uuid 1234-5678
        linux /boot/vmlinuz console=ttyS0 root=/dev/ram0 rdinit=/init ima_policy=tcb ima_template=ima-ng panic=5
        initrd /boot/initrd.img
        boot

        """.utf8)

    @Test("What cannot be told ends with 75 and says what would decide it; --assume decides and is listed")
    func undecided() throws {
        let text = Array("if [ -e /x ]; then echo there; fi\n".utf8) + Self.golden
        let configuration = try folder.write(text, to: "grub.cfg")
        let common = [
            "reference", "predict", "--evidence", TestVectors.golden.folder.path, "--grub-config", configuration,
        ]
        let refused = try BootgateProcess.run(common, home: folder.path)
        #expect(refused.status == 75)
        #expect(refused.errorText.contains("line 1: [ -e /x ]"), "\(refused.errorText)")
        let told = try BootgateProcess.run(common + ["--assume", "[ -e /x ]=0", "-o", "json"], home: folder.path)
        #expect(told.status == 0, "\(told.errorText)")
        let decisions = try BootgateProcess.json(told)["decisions"] as? [[String: Any]]
        #expect(decisions?.map { $0["command"] as? String } == ["[ -e /x ]"])
        #expect(decisions?.map { $0["source"] as? String } == ["operator"])
        let syntax = try folder.write(Array("true && true\n".utf8), to: "grub.cfg")
        #expect(try BootgateProcess.run(common.dropLast() + [syntax], home: folder.path).status == 65)
    }

    @Test("Keylime's reference state and files of components become alternatives; what does not carry over is listed")
    func importing() throws {
        let digest = String(repeating: "ab", count: 32)
        let state = """
            {"scrtm_and_bios": [{"scrtm": {"sha256": "0x\(digest)"}, "platform_firmware": [{"sha256": "0x\(digest)"}]}],
             "kernels": [{"shim_authcode_sha256": "0x\(digest)", "grub_authcode_sha256": "0x\(digest)",
              "kernel_authcode_sha256": "0x\(digest)", "initrd_plain_sha256": "0x\(digest)",
              "kernel_cmdline": "/vmlinuz root=\\\\S+"}],
             "mokdig": [{"sha256": "0x\(digest)"}], "db": [], "has_secureboot": true}
            """
        let file = try folder.write(Array(state.utf8), to: "state.json")
        let alone = try BootgateProcess.run("reference", "import", "k", "--keylime-mb-refstate", file, "-o", "json")
        #expect(alone.status == 0, "\(alone.errorText)")
        for text in ["kernel_cmdline", "db: ", "has_secureboot", "initrd_plain_sha256"] {
            #expect(alone.errorText.contains(text), "\(alone.errorText)")
        }
        let set = try BootgateProcess.json(alone)
        #expect((set["layers"] as? [[String: Any]])?.compactMap { $0["id"] as? String }.contains("boot-loader") == true)
        let saved = try folder.write(alone.stdout, to: "set.json")
        #expect(try BootgateProcess.run("reference", "diff", saved, saved).status == 0)

        let initrd = try folder.write(Array("new".utf8), to: "initrd.img-6.1.0-99")
        let added = try BootgateProcess.run(
            "reference", "import", "--components", initrd, "--into", golden, "-o", "json")
        // The set names four banks of which the list has all.
        #expect(added.status == 0, "\(added.errorText)")
        let merged = try folder.write(added.stdout, to: "merged.json")
        #expect(try verdict(TestVectors.golden, merged) == "pass")
        let diff = try BootgateProcess.run("reference", "diff", golden, merged)
        #expect(String(decoding: diff.stdout, as: UTF8.self).contains("initrd /boot/initrd.img"))
        #expect(try BootgateProcess.run("reference", "import", "--components", folder.path + "/absent").status == 65)
    }
}

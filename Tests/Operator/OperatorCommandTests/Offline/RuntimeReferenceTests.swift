import ByteParsing
import Foundation
import SoftwareTPM
import TestVectors
import Testing

@Suite("bootgate reference capture --runtime, import and inspect ima-policy, offline")
struct RuntimeReferenceTests {
    private let folder: TemporaryDirectory
    init() throws { folder = try TemporaryDirectory() }

    private func set(_ result: ProcessResult) throws -> [String: Any] {
        #expect(result.status == 0, "\(result.errorText)")
        return try BootgateProcess.json(result)
    }
    private func runtime(_ result: ProcessResult) throws -> [String: Any] {
        try #require(try set(result)["runtime"] as? [String: Any])
    }
    private func files(_ result: ProcessResult) throws -> [String] { try runtime(result)["files"] as? [String] ?? [] }

    @Test("A set captured with its runtime passes its machine, and fails it without the list")
    func capture() throws {
        let golden = TestVectors.golden.folder.path
        let draft = try BootgateProcess.run("reference", "capture", "--evidence", golden, "--runtime", "-o", "json")
        #expect(try files(draft).count == 53)
        let references = try folder.write(draft.stdout, to: "set.json")
        let pass = try BootgateProcess.run("appraise", "--evidence", golden, "--references", references, "-o", "json")
        #expect(pass.status == 0, "\(pass.text)")
        let copy = try TemporaryDirectory()
        for file in ["eventlog.bin", "quote.msg", "quote.sig", "quote.pcrs", "ak.pub", "nonce"] {
            _ = try copy.write(try TestVectors.golden.bytes(file), to: file)
        }
        let missing = try withExtendedLifetime(copy) {
            try BootgateProcess.run("appraise", "--evidence", copy.path, "--references", references, "-o", "json")
        }
        #expect(missing.status == 75)
        #expect(try BootgateProcess.json(missing)["firstBrokenLayer"] as? String == "runtime")
        let table = try BootgateProcess.run("reference", "capture", "--evidence", golden, "--runtime")
        #expect(table.text.contains("53 by path and digest"))
    }

    @Test(
        "Two boots of a full system differ in their agents' key contexts only, and pass where these are excluded",
        .enabled(if: TestVectors.corpus != nil, "no corpus"))
    func fullSystem() throws {
        let corpus = try #require(TestVectors.corpus)
        let folders = ["full1", "full2"].map { corpus.measuredBoot($0).folder.path }
        for (captured, other) in [(folders[0], folders[1]), (folders[1], folders[0])] {
            let draft = try BootgateProcess.run(
                "reference", "capture", "--evidence", captured, "--runtime", "-o", "json")
            var document = try set(draft)
            func appraise() throws -> ProcessResult {
                let file = try folder.write(try JSONSerialization.data(withJSONObject: document), to: "full.json")
                return try BootgateProcess.run("appraise", "--evidence", other, "--references", file, "-o", "json")
            }
            let before = try appraise()
            #expect(before.status == 2)
            let layers = try BootgateProcess.json(before)["layers"] as? [[String: Any]] ?? []
            let broken = layers.filter { $0["tier"] as? String == "contraindicated" }
            #expect(broken.compactMap { $0["id"] as? String } == ["runtime"])
            let names = (broken.first?["findings"] as? [[String: Any]] ?? []).compactMap { $0["name"] as? String }
            #expect(Set(names) == ["/tmp/out/ek.ctx", "/tmp/out/ak.ctx"])
            var runtime = try #require(document["runtime"] as? [String: Any])
            runtime["exclude"] = ["/tmp/out/*"]
            document["runtime"] = runtime
            #expect(try appraise().status == 0)
        }
    }

    @Test("Measurement lists, binary and text, give the same files")
    func lists() throws {
        let binary = TestVectors.golden.folder.appendingPathComponent("ima_binary").path
        let text = TestVectors.golden.folder.appendingPathComponent("ima_ascii").path
        let one = try BootgateProcess.run("reference", "import", "--ima-list", binary, "-o", "json")
        let two = try BootgateProcess.run("reference", "import", "--ima-list", text, "-o", "json")
        #expect(try files(one) == files(two))
        #expect(try files(one).contains { $0.hasSuffix(" /usr/bin/curl") })
        #expect(try !files(one).contains { $0.hasSuffix(" boot_aggregate") })
        let cut = try folder.write(try TestVectors.golden.bytes("ima_binary").dropLast(), to: "cut")
        #expect(try BootgateProcess.run("reference", "import", "--ima-list", cut, "-o", "json").status == 65)
    }

    @Test("A folder gives path and SHA-256 of its regular files; links and odd names are not followed")
    func directory() throws {
        let tree = folder.path + "/tree"
        try FileManager.default.createDirectory(atPath: tree + "/a/b", withIntermediateDirectories: true)
        try Data("one".utf8).write(to: URL(fileURLWithPath: tree + "/a/b/one two"))
        try Data().write(to: URL(fileURLWithPath: tree + "/empty"))
        try FileManager.default.createSymbolicLink(atPath: tree + "/link", withDestinationPath: "/etc/passwd")
        let run = try BootgateProcess.run(
            "reference", "import", "--directory", tree, "--below", "/opt/app", "-o", "json")
        let empty = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        let one = "sha256:7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"
        #expect(try files(run) == ["\(one) /opt/app/a/b/one two", "\(empty) /opt/app/empty"])
        #expect(
            try BootgateProcess.run("reference", "import", "--directory", "/nonexistent", "-o", "json").status == 65)
    }

    @Test("A Debian package gives its files, those of /bin under /usr too; a damaged one is refused")
    func debian() throws {
        let tree = folder.path + "/package"
        for path in ["DEBIAN", "bin", "etc"] {
            try FileManager.default.createDirectory(atPath: "\(tree)/\(path)", withIntermediateDirectories: true)
        }
        try Data("Package: x\nVersion: 1\nArchitecture: all\nMaintainer: t <t@example.org>\nDescription: x\n".utf8)
            .write(to: URL(fileURLWithPath: tree + "/DEBIAN/control"))
        try Data("one".utf8).write(to: URL(fileURLWithPath: tree + "/bin/tool"))
        try Data("one".utf8).write(to: URL(fileURLWithPath: tree + "/etc/tool.conf"))
        let package = folder.path + "/x.deb"
        try #require(try runProcess("/usr/bin/dpkg-deb", ["--build", "--root-owner-group", tree, package]).status == 0)
        let run = try BootgateProcess.run("reference", "import", "--deb", package, "-o", "json")
        #expect(
            try files(run).map { $0.split(separator: " ")[1] } == ["/bin/tool", "/etc/tool.conf", "/usr/bin/tool"])
        let damaged = try folder.write(
            Array(Data(contentsOf: URL(fileURLWithPath: package)).prefix(200)), to: "bad.deb")
        let refused = try BootgateProcess.run("reference", "import", "--deb", damaged, "-o", "json")
        #expect(refused.status == 65)
        #expect(refused.errorText.contains("dpkg-deb"))
    }

    @Test(
        "A Debian package's scripts are known where dpkg runs them: beside the control files, then under the package's name",
        arguments: ["Multi-Arch: foreign\n", "Multi-Arch: same\n"])
    func debianScripts(_ field: String) throws {
        let tree = folder.path + "/scripts"
        try? FileManager.default.removeItem(atPath: tree)
        try FileManager.default.createDirectory(atPath: "\(tree)/DEBIAN", withIntermediateDirectories: true)
        let control =
            "Package: x\nVersion: 1\nArchitecture: amd64\n\(field)Maintainer: t <t@example.org>\nDescription: x\n"
        try Data(control.utf8).write(to: URL(fileURLWithPath: tree + "/DEBIAN/control"))
        for script in ["postinst", "prerm"] {
            let path = "\(tree)/DEBIAN/\(script)"
            try Data("#!/bin/sh\n".utf8).write(to: URL(fileURLWithPath: path))
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
        }
        let package = folder.path + "/scripts.deb"
        try #require(try runProcess("/usr/bin/dpkg-deb", ["--build", "--root-owner-group", tree, package]).status == 0)
        let owner = field.contains("same") ? "x:amd64" : "x"
        let digest = "sha256:a8076d3d28d21e02012b20eaf7dbf75409a6277134439025f282e368e3305abf"
        let lines = try files(try BootgateProcess.run("reference", "import", "--deb", package, "-o", "json"))
        #expect(
            lines.map { $0.split(separator: " ")[1] } == [
                "/var/lib/dpkg/info/\(owner).postinst", "/var/lib/dpkg/info/\(owner).prerm",
                "/var/lib/dpkg/tmp.ci/postinst", "/var/lib/dpkg/tmp.ci/prerm",
            ])
        #expect(lines.allSatisfy { $0.hasPrefix(digest) })
    }

    @Test(
        "An RPM package gives its files; a package that is cut anywhere is refused, not taken for a short one",
        .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/rpmbuild"), "rpmbuild is not here"))
    func rpm() throws {
        let specification = try folder.write(
            Array(
                """
                Name: x
                Version: 1
                Release: 1
                Summary: x
                License: none
                BuildArch: noarch
                %description
                x
                %install
                mkdir -p %{buildroot}/usr/bin %{buildroot}/bin
                printf one > %{buildroot}/usr/bin/tool
                printf one > %{buildroot}/bin/other
                ln -s tool %{buildroot}/usr/bin/link
                %files
                /usr/bin/tool
                /usr/bin/link
                /bin/other

                """.utf8), to: "x.spec")
        let built = try runProcess(
            "/usr/bin/rpmbuild",
            [
                "-bb", "--define", "_topdir \(folder.path)/top", "--define", "_rpmdir \(folder.path)/out",
                specification,
            ])
        try #require(built.status == 0, "\(built.errorText)")
        let package = folder.path + "/out/noarch/x-1-1.noarch.rpm"
        let run = try BootgateProcess.run("reference", "import", "--rpm", package, "-o", "json")
        #expect(
            try files(run).map { $0.split(separator: " ")[1] } == ["/bin/other", "/usr/bin/other", "/usr/bin/tool"])
        let bytes = try Array(Data(contentsOf: URL(fileURLWithPath: package)))
        for count in [0, 1, 200, bytes.count / 2, bytes.count - 1] {
            let damaged = try folder.write(Array(bytes.prefix(count)), to: "bad.rpm")
            let refused = try BootgateProcess.run("reference", "import", "--rpm", damaged, "-o", "json")
            #expect(refused.status == 65, "\(count) bytes")
            #expect(refused.errorText.contains("rpmkeys"))
        }
    }

    @Test("Imports extend a set, and what a Keylime policy cannot carry over is named")
    func merge() throws {
        let golden = TestVectors.golden.folder.path
        let draft = try BootgateProcess.run("reference", "capture", "--evidence", golden, "-o", "json")
        let base = try folder.write(draft.stdout, to: "base.json")
        let digest = String(repeating: "ab", count: 32)
        let policy = try folder.write(
            Array(#"{"digests": {"/opt/x": ["\#(digest)"]}, "excludes": ["/tmp/.*", "(a+)+$"]}"#.utf8),
            to: "keylime.json")
        let run = try BootgateProcess.run(
            "reference", "import", "--into", base, "--keylime-runtime-policy", policy, "--minimum-entries", "7", "-o",
            "json")
        #expect(run.errorText.contains("(a+)+$"))
        let document = try set(run)
        #expect((document["pcrs"] as? [Any])?.count == (try BootgateProcess.json(draft)["pcrs"] as? [Any])?.count)
        let runtime = try #require(document["runtime"] as? [String: Any])
        #expect(runtime["files"] as? [String] == ["sha256:\(digest) /opt/x"])
        #expect(runtime["exclude"] as? [String] == ["/tmp/**"])
        #expect(runtime["minimumEntries"] as? Int == 7)
        let merged = try folder.write(run.stdout, to: "merged.json")
        let diff = try BootgateProcess.run("reference", "diff", base, merged, "-o", "json")
        let changes = try BootgateProcess.json(diff)["changes"] as? [[String: Any]] ?? []
        #expect(changes.contains { $0["name"] as? String == "/opt/x" && $0["kind"] as? String == "added" })
        // Twice the same import adds nothing.
        let again = try BootgateProcess.run(
            "reference", "import", "--into", merged, "--keylime-runtime-policy", policy, "-o", "json")
        #expect(try (self.runtime(again)["files"] as? [String])?.count == 1)
    }

    @Test("IM-13: inspect ima-policy names what a policy leaves out")
    func policy() throws {
        let path = try folder.write(
            Array("# weak\ndont_measure fsmagic=0x01021994\nmeasure func=BPRM_CHECK mask=MAY_EXEC\n".utf8), to: "policy"
        )
        let run = try BootgateProcess.run("inspect", "ima-policy", path, "-o", "json")
        #expect(run.status == 0)
        let findings = try BootgateProcess.json(run)["findings"] as? [[String: Any]] ?? []
        #expect(findings.allSatisfy { $0["id"] as? String == "IMA_POLICY_WEAK" })
        #expect(findings.contains { $0["line"] as? Int == 2 })
        #expect(findings.contains { ($0["rule"] as? String)?.contains("MODULE_CHECK") == true })
        #expect(try BootgateProcess.run("inspect", "ima-policy", path).text.contains("tmpfs"))
        let bad = try folder.write(Array("hello\n".utf8), to: "bad")
        #expect(try BootgateProcess.run("inspect", "ima-policy", bad).status == 65)
    }

    @Test("import without a source, and --runtime without evidence, are usage errors")
    func usage() throws {
        #expect(try BootgateProcess.run("reference", "import", "x").status == 64)
        #expect(try BootgateProcess.run("reference", "capture", "x", "--node", "a", "--runtime").status == 64)
        #expect(try BootgateProcess.run("reference", "import", "x", "--into", "y", "--deb", "z").status == 64)
    }
}

import Foundation
import SoftwareTPM
import Testing

/// What ends before, or at, the first contact with a verifier.
@Suite("bootgate's settings")
struct SettingsTests {
    private let folder: TemporaryDirectory
    init() throws { folder = try TemporaryDirectory() }

    private func run(_ arguments: String..., settings: [String: String] = [:]) throws -> ProcessResult {
        try BootgateProcess.run(arguments, home: folder.path, settings: settings)
    }

    /// A key, a self-signed certificate over it, and that certificate as CA: enough to come as far as connecting.
    private func identity(port: Int = 1) throws -> [String: String] {
        try runProcessSuccessfully(
            "openssl",
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj",
                "/CN=test", "-keyout", folder.file("key.pem"), "-out", folder.file("certificate.pem"),
            ])
        chmod(folder.file("key.pem"), 0o600)
        return [
            "VERIFIER_URL": "https://localhost:\(port)", "VERIFIER_CA_FILE": folder.file("certificate.pem"),
            "OPERATOR_CERTIFICATE": folder.file("certificate.pem"), "OPERATOR_KEY": folder.file("key.pem"),
        ]
    }

    @Test("Missing settings end with exit code 78 and are all listed")
    func missing() throws {
        let run = try run("node", "list")
        #expect(run.status == 78)
        for key in ["verifier.url", "verifier.ca-file", "operator.certificate", "operator.key"] {
            #expect(run.errorText.contains("\(key) is not set"), "\(run.errorText)")
        }
        #expect(run.errorText.contains("next:"))
        #expect(run.stdout.isEmpty)
    }

    @Test("A configuration file with mistakes ends with exit code 78; every mistake is named with its file")
    func mistakes() throws {
        let text = "[verifier]\nurll = \"x\"\nca-file = \"/nonexistent-ca\"\n[operator]\nkey = 3\n"
        let path = try folder.write(Array(text.utf8), to: "bootgate.toml")
        let run = try run("node", "list", "--config", path)
        #expect(run.status == 78)
        for part in ["\(path): unknown key verifier.urll", "operator.key is neither", "/nonexistent-ca: No such file"] {
            #expect(run.errorText.contains(part), "\(run.errorText)")
        }
        let broken = try folder.write(Array("[verifier\n".utf8), to: "broken.toml")
        let unreadable = try self.run("node", "list", "--config", broken)
        #expect(unreadable.status == 78)
        #expect(unreadable.errorText.contains("\(broken): line 1"))
        #expect(try self.run("node", "list", "--config", "/nonexistent").status == 78)
    }

    @Test("An unreachable verifier ends with exit code 69 and the next step", .enabled(if: isInstalled("openssl")))
    func unreachable() throws {
        let run = try run("node", "list", settings: try identity())
        #expect(run.status == 69)
        #expect(run.errorText.contains("next:"))
        var plain = try identity()
        plain["VERIFIER_URL"] = "http://localhost:1"
        let unencrypted = try self.run("verifier", "status", settings: plain)
        #expect(unencrypted.status == 78)
        #expect(unencrypted.errorText.contains("https://"))
    }

    @Test(
        "TA-17: a private key that others can read ends with exit code 4 and CLI_KEY_PERMS, before any connection",
        .enabled(if: isInstalled("openssl")), arguments: [0o644, 0o640, 0o604] as [mode_t])
    func ta17(mode: mode_t) throws {
        let settings = try identity()
        chmod(folder.file("key.pem"), mode)
        let run = try run("node", "list", settings: settings)
        #expect(run.status == 4)
        #expect(run.errorText.contains("CLI_KEY_PERMS"))
        #expect(run.errorText.contains("chmod 600"))
    }

    @Test("A file that is no certificate is named", .enabled(if: isInstalled("openssl")))
    func certificates() throws {
        var settings = try identity()
        settings["VERIFIER_CA_FILE"] = folder.file("key.pem")
        let run = try run("node", "list", settings: settings)
        #expect(run.status == 78)
        #expect(run.errorText.contains("verifier.ca-file: \(folder.file("key.pem")): no certificate"))
    }

    @Test("TA-16: control characters in what a person passes on never reach the terminal")
    func ta16() throws {
        let run = try run("node", "list", "--config", "/no\u{1B}]0;x\u{7}\u{9B}2J\u{202E}such")
        #expect(run.status == 78)
        #expect(run.stderr.allSatisfy { $0 >= 0x20 || $0 == 0x0A })
        #expect(!run.errorText.unicodeScalars.contains { (0x7F..<0xA0).contains($0.value) || $0.value == 0x202E })
    }

    @Test("TA-16: a usage error repeats what was passed on without its control characters, with exit code 64")
    func ta16Usage() throws {
        let hostile = "x\u{1B}]0;owned\u{7}\u{1B}[2J\u{9B}2J\u{202E}"
        for arguments in [["node", "show", hostile], [hostile], ["node", hostile], ["node", "list", "--\(hostile)"]] {
            let run = try runProcess(BootgateProcess.path, arguments)
            #expect(run.status == 64, "\(arguments)")
            #expect(run.stderr.allSatisfy { $0 >= 0x20 || $0 == 0x0A || $0 == 0x09 }, "\(arguments)")
            #expect(!run.errorText.unicodeScalars.contains { (0x7F..<0xA0).contains($0.value) || $0.value == 0x202E })
            #expect(run.errorText.contains("owned") && run.errorText.contains("\n"))
        }
    }
}

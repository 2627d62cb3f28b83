import Glibc
import Synchronization

/// A certificate authority of this test process and the TPM states that it has made, as a TPM's maker would.
///
/// swtpm_setup takes a second or more on a loaded machine, so the shared identity is made once and copied.
public final class TPMManufacturer: Sendable {
    /// The one of this process.
    public static let shared = TPMManufacturer()

    private struct Workshop {
        let directory: TemporaryDirectory
        var sharedState: [UInt8]?
    }
    private let workshop = Mutex<Workshop?>(nil)

    /// PEM of the root and of the issuer below it; made when first asked for.
    public func certificateAuthority() throws -> (rootPEM: [UInt8], issuerPEM: [UInt8]) {
        _ = try sharedState()
        return try workshop.withLock { workshop in
            let directory = try Self.open(&workshop)
            return (
                try directory.read("swtpm-localca-rootca-cert.pem"), try directory.read("issuercert.pem")
            )
        }
    }

    /// The permanent state (`tpm2-00.permall`) that all TPMs of the shared identity start from.
    func sharedState() throws -> [UInt8] {
        try workshop.withLock { workshop in
            if let state = workshop?.sharedState { return state }
            let state = try Self.manufacture(&workshop)
            workshop?.sharedState = state
            return state
        }
    }

    /// The permanent state of a TPM of its own.
    func freshState() throws -> [UInt8] { try workshop.withLock { try Self.manufacture(&$0) } }

    private static func open(_ workshop: inout Workshop?) throws -> TemporaryDirectory {
        if let workshop { return workshop.directory }
        let directory = try TemporaryDirectory()
        let authority = """
            statedir = \(directory.path)
            signingkey = \(directory.file("signkey.pem"))
            issuercert = \(directory.file("issuercert.pem"))
            certserial = \(directory.file("certserial"))

            """
        let setup = """
            create_certs_tool= \(programPath("swtpm_localca"))
            create_certs_tool_config = \(directory.file("localca.conf"))
            create_certs_tool_options = \(directory.file("localca.options"))
            active_pcr_banks = sha256

            """
        try directory.write(authority.utf8, to: "localca.conf")
        try directory.write(setup.utf8, to: "setup.conf")
        try directory.write(
            "--platform-manufacturer Bootgate\n--platform-version 1.0\n--platform-model Test\n".utf8,
            to: "localca.options")
        workshop = Workshop(directory: directory, sharedState: nil)
        removeAtExit(directory.path)
        return directory
    }

    private static func manufacture(_ workshop: inout Workshop?) throws -> [UInt8] {
        let directory = try open(&workshop)
        let state = try TemporaryDirectory()
        try runProcessSuccessfully(
            "swtpm_setup",
            [
                "--tpm2", "--tpm-state", state.path, "--config", directory.file("setup.conf"), "--createek",
                "--create-ek-cert", "--pcr-banks", "sha1,sha256,sha384,sha512",
            ], timeoutSeconds: 300)
        return try state.read("tpm2-00.permall")
    }

    private static func programPath(_ name: String) -> String {
        ["/usr/bin", "/usr/local/bin"].map { "\($0)/\(name)" }.first { access($0, X_OK) == 0 } ?? name
    }
}

/// The shared workshop lives as long as the process, so no deinitializer removes it.
private let pathsToRemove = Mutex<[String]>([])

private func removeAtExit(_ path: String) {
    let first = pathsToRemove.withLock { paths in
        paths.append(path)
        return paths.count == 1
    }
    if first { atexit { for path in pathsToRemove.withLock({ $0 }) { removeTree(path) } } }
}

import Glibc
import Synchronization

/// A TPM 2.0 in software (swtpm) on private Unix sockets, with EK certificates of ``TPMManufacturer``; gone with its
/// owner. It takes one client at a time: a second waits until the first has closed, or goes through a ``FaultProxy``.
public final class SoftwareTPM: TPMTransport, Sendable {
    public enum Identity: Sendable {
        /// The same EKs for every TPM of this process: quick, and enough for tests with one node.
        case shared
        /// EKs of its own; takes a second or more.
        case fresh
        /// No EK, no certificate: what a TPM looks like that nobody has provisioned.
        case unprovisioned
    }

    /// False where swtpm is not installed: tests say so with ``requirement`` instead of failing.
    public static var isAvailable: Bool { isInstalled("swtpm") && isInstalled("swtpm_setup") }
    /// For `.enabled(if: SoftwareTPM.isAvailable, SoftwareTPM.requirement)`; a `Comment` is made from it in place.
    public static let requirement = "needs swtpm and swtpm-tools (apt-get install swtpm swtpm-tools)"

    public let directory: TemporaryDirectory
    private let process = Mutex<SpawnedProcess?>(nil)

    public init(_ identity: Identity = .shared) throws {
        directory = try TemporaryDirectory()
        switch identity {
        case .shared:
            try directory.write(TPMManufacturer.shared.sharedState(), to: "tpm2-00.permall")
        case .fresh:
            try directory.write(TPMManufacturer.shared.freshState(), to: "tpm2-00.permall")
        case .unprovisioned:
            break
        }
        try start()
    }

    public var socketPath: String { directory.file("s") }
    /// TCTI configuration for tpm2-tss and, as `TPM2TOOLS_TCTI`, for tpm2-tools.
    public var tcti: String { "swtpm:path=\(socketPath)" }
    /// Environment for tpm2-tools.
    public var toolEnvironment: [String: String] { ["TPM2TOOLS_TCTI": tcti, "TSS2_LOG": "all+none"] }
    public var pid: Int32? { process.withLock { $0?.pid } }

    /// Starts the emulator on the state of its directory (after ``stop()``: a power-on).
    public func start() throws {
        try process.withLock { process in
            guard process == nil else { return }
            unlink(socketPath)
            unlink(socketPath + ".ctrl")
            let started = try SpawnedProcess(
                "swtpm",
                [
                    "socket", "--tpm2", "--tpmstate", "dir=\(directory.path)", "--server",
                    "type=unixio,path=\(socketPath)", "--ctrl", "type=unixio,path=\(socketPath).ctrl", "--flags",
                    "not-need-init,startup-clear",
                ], outputPath: directory.file("log"))
            // A socket file is there before its socket listens: only a connection tells. swtpm takes the next client when
            // this one is gone.
            let deadline = monotonicSeconds() + 120
            while !UnixSocket.accepts(socketPath + ".ctrl") || !UnixSocket.accepts(socketPath) {
                guard started.isRunning, monotonicSeconds() < deadline else {
                    let log = String(decoding: (try? directory.read("log")) ?? [], as: UTF8.self)
                    throw ProcessError.failed(command: ["swtpm"], status: -1, stdout: log, stderr: "")
                }
                usleep(2_000)
            }
            process = started
        }
    }

    /// Power loss: nothing is shut down in order. The state on disk remains for ``start()``.
    public func stop() {
        let running = process.withLock { process in
            defer { process = nil }
            return process
        }
        running?.stop(atOnce: true)
    }

    /// Holds the emulator still (SIGSTOP) or lets it go on (SIGCONT).
    public func setFrozen(_ frozen: Bool) {
        process.withLock { process in process?.signal(frozen ? SIGSTOP : SIGCONT) }
    }

    /// TPM Reset (_TPM_Init) through the control channel, connections kept. The TPM answers RC_INITIALIZE until somebody
    /// sends TPM2_Startup: the client that holds the data socket, or ``TPMTransport/startup()`` where none does.
    public func reset() throws {
        try runProcessSuccessfully("swtpm_ioctl", ["--unix", socketPath + ".ctrl", "-i"])
    }

    /// TPM Reset, then TPM2_Startup(CLEAR) as firmware sends it that runs at `locality`, behind an H-CRTM sequence
    /// (_TPM_Hash_Start, _Data, _End) over `hcrtm` where there is one. The data socket must be free.
    public func restart(locality: Int, hcrtm: [UInt8]? = nil) throws {
        let control = ["--unix", socketPath + ".ctrl"]
        try runProcessSuccessfully("swtpm_ioctl", control + ["-i"])
        if let hcrtm { try runProcessSuccessfully("swtpm_ioctl", control + ["-h", "-"], input: hcrtm) }
        try runProcessSuccessfully("swtpm_ioctl", control + ["-l", String(locality)])
        try startup()
        try runProcessSuccessfully("swtpm_ioctl", control + ["-l", "0"])
    }

    /// Runs one of the tpm2-tools against this TPM; the data socket must be free.
    @discardableResult
    public func tool(_ name: String, _ arguments: [String]) throws -> String {
        try runProcessSuccessfully(
            name, arguments, environment: toolEnvironment, workingDirectory: directory.path
        ).text
    }

    /// One command over a connection of its own; the data socket must be free.
    public func transmit(_ command: [UInt8]) throws -> [UInt8] {
        let descriptor = try UnixSocket.connect(to: socketPath)
        defer { close(descriptor) }
        try UnixSocket.write(command, to: descriptor)
        guard let response = try UnixSocket.readMessage(descriptor) else {
            throw ProcessError.system(call: "swtpm closed the connection", errno: ECONNRESET)
        }
        return response
    }

    deinit { stop() }
}

import Dispatch
import Glibc
import Synchronization

/// A socket between clients and a ``SoftwareTPM`` that can answer in the TPM's place, change what it answers, and
/// record both directions. Unlike swtpm it serves several clients at once, one command at a time.
public final class FaultProxy: TPMTransport, Sendable {
    fileprivate struct State {
        var refusals: [(count: Int, code: UInt32, commands: Set<UInt32>)] = []
        var rewrite: (@Sendable (_ command: [UInt8], _ response: [UInt8]) -> [UInt8])?
        var recording: [[UInt8]]?
        var refusedCount = 0
        var clients: Set<Int32> = []
        var stopped = false
    }

    private let directory: TemporaryDirectory
    private let tpm: SoftwareTPM
    private let listener: Int32
    private let backend: Int32
    private let state = Mutex(State())
    /// Held for one command and its response.
    private let line = Mutex(())

    public init(_ tpm: SoftwareTPM) throws {
        self.tpm = tpm
        directory = try TemporaryDirectory()
        let path = directory.file("p")
        backend = try UnixSocket.connect(to: tpm.socketPath, timeoutSeconds: 600)
        listener = try UnixSocket.listen(at: path)
        guard symlink(tpm.socketPath + ".ctrl", path + ".ctrl") == 0 else {
            throw ProcessError.system(call: "symlink", errno: errno)
        }
        let descriptor = listener
        // Threads of their own: they block, and must not hold the cooperative pool.
        DispatchQueue(label: "fault-proxy.accept").async { [weak self] in
            while let client = UnixSocket.accept(from: descriptor) {
                guard let self, self.admit(client) else {
                    close(client)
                    break
                }
                DispatchQueue(label: "fault-proxy.client").async { [weak self] in
                    while let command = try? UnixSocket.readMessage(client) {
                        guard let proxy = self, let response = try? proxy.transmit(command),
                            (try? UnixSocket.write(response, to: client)) != nil
                        else { break }
                    }
                    self?.dismiss(client)
                    close(client)
                }
            }
            close(descriptor)
        }
    }

    public var tcti: String { "swtpm:path=\(directory.file("p"))" }
    public var toolEnvironment: [String: String] { ["TPM2TOOLS_TCTI": tcti, "TSS2_LOG": "all+none"] }
    /// How many commands were answered with a code set by ``refuse(next:with:commands:)``.
    public var refusedCount: Int { state.withLock { $0.refusedCount } }

    /// Answers the next `count` commands with a response code and does not pass them on.
    ///
    /// - Parameter commands: TPM_CC values it applies to; all where empty.
    public func refuse(next count: Int, with code: UInt32, commands: Set<UInt32> = []) {
        state.withLock { $0.refusals.append((count, code, commands)) }
    }

    /// Changes each response before the client sees it; nil ends that.
    public func rewriteResponses(_ rewrite: (@Sendable (_ command: [UInt8], _ response: [UInt8]) -> [UInt8])?) {
        state.withLock { $0.rewrite = rewrite }
    }

    /// Keeps the bytes of every command and response from now on.
    public func startRecording() { state.withLock { $0.recording = [] } }
    public func stopRecording() -> [[UInt8]] {
        state.withLock { state in
            defer { state.recording = nil }
            return state.recording ?? []
        }
    }

    /// TPM Reset and Startup while clients stay connected.
    public func resetAndStartup() throws {
        try tpm.reset()
        try startup()
    }

    public func transmit(_ command: [UInt8]) throws -> [UInt8] {
        try line.withLock { _ in
            let code = command[6..<10].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            if let refusal = state.withLock({ $0.refusal(of: code) }) {
                state.withLock { $0.recording?.append(command) }
                return [0x80, 0x01, 0, 0, 0, 10] + (0..<4).map { UInt8(truncatingIfNeeded: refusal >> (24 - 8 * $0)) }
            }
            try UnixSocket.write(command, to: backend)
            guard let response = try UnixSocket.readMessage(backend) else {
                throw ProcessError.system(call: "swtpm closed the connection", errno: ECONNRESET)
            }
            let rewrite = state.withLock { state in
                state.recording?.append(command)
                state.recording?.append(response)
                return state.rewrite
            }
            return rewrite?(command, response) ?? response
        }
    }

    /// Drops the clients; the TPM is free for others afterwards.
    public func stop() {
        let clients = state.withLock { state in
            defer { state.stopped = true }
            return state.stopped ? nil : state.clients
        }
        guard let clients else { return }
        for client in clients { Glibc.shutdown(client, Int32(SHUT_RDWR)) }
        // The accepting thread closes the listener, so that its number is not given away while it is polled.
        Glibc.shutdown(listener, Int32(SHUT_RDWR))
        close(backend)
    }

    private func admit(_ client: Int32) -> Bool {
        state.withLock { state in
            if !state.stopped { state.clients.insert(client) }
            return !state.stopped
        }
    }

    private func dismiss(_ client: Int32) { state.withLock { _ = $0.clients.remove(client) } }

    deinit { stop() }
}

extension FaultProxy.State {
    fileprivate mutating func refusal(of command: UInt32) -> UInt32? {
        guard
            let index = refusals.firstIndex(where: {
                $0.count > 0 && ($0.commands.isEmpty || $0.commands.contains(command))
            })
        else { return nil }
        refusals[index].count -= 1
        refusedCount += 1
        return refusals[index].code
    }
}

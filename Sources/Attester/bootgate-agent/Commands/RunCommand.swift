import ArgumentParser
import AttesterSession
import Dispatch
import Glibc
import Logging

struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Enroll where needed and attest until stopped (SIGTERM, SIGINT).",
        discussion: """
            Tells systemd READY=1 where NOTIFY_SOCKET is set. Logs one line for each event to standard error.

            EXAMPLES
              bootgate-agent run
              BOOTGATE_AGENT_LOG_FORMAT=logfmt bootgate-agent run --config ./agent.toml
            """)

    @OptionGroup var options: CommonOptions

    func run() async throws {
        let host = try SessionHost.make(options)
        let session = host.session
        let work = Task { await session.run() }
        let sources = [SIGTERM, SIGINT].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { work.cancel() }
            source.resume()
            return source
        }
        host.configuration.logger.info(
            "started", metadata: ["code": "AGENT_STARTED", "version": "\(AgentCommand.version)"])
        ServiceManager.notify("READY=1")
        await work.value
        ServiceManager.notify("STOPPING=1")
        for source in sources { source.cancel() }
    }
}

/// systemd's notification protocol (sd_notify(3)): one datagram to a Unix socket.
enum ServiceManager {
    static func notify(_ message: String) {
        guard let value = unsafe getenv("NOTIFY_SOCKET") else { return }
        var path = unsafe Array(String(cString: value).utf8)
        guard let first = path.first, first == UInt8(ascii: "/") || first == UInt8(ascii: "@") else { return }
        // An abstract socket's name begins with a zero byte.
        if first == UInt8(ascii: "@") { path[0] = 0 }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let offset = MemoryLayout.offset(of: \sockaddr_un.sun_path) ?? 2
        guard path.count < MemoryLayout.size(ofValue: address.sun_path) else { return }
        unsafe withUnsafeMutableBytes(of: &address) { buffer in
            for (index, byte) in path.enumerated() { unsafe buffer[offset + index] = byte }
        }
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        let bytes = Array(message.utf8)
        let size = socklen_t(offset + path.count)
        unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                // Nobody listening is no reason to stop.
                _ = unsafe sendto(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL), address, size)
            }
        }
    }
}

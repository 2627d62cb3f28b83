internal import Glibc

/// What a service tells its manager (sd_notify(3), "Well-known assignments").
package enum ServiceState: Hashable, Sendable {
    /// The start, or a reload, is complete.
    case ready
    /// Configuration is read again; ``ready`` ends it.
    case reloading
    case stopping
    /// The work goes on.
    case watchdog
    /// One line for `systemctl status`.
    case status(String)

    var assignments: String {
        switch self {
        case .ready: "READY=1"
        case .reloading: "RELOADING=1\nMONOTONIC_USEC=\(Self.monotonicMicroseconds())"
        case .stopping: "STOPPING=1"
        case .watchdog: "WATCHDOG=1"
        case .status(let text): "STATUS=\(Self.oneLine(text))"
        }
    }

    /// A line break in text of others (a verifier's error, say) would begin an assignment of theirs.
    private static func oneLine(_ text: String) -> String {
        var line = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            let isControl =
                scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
                || (0x2028...0x202E).contains(scalar.value)
            line.append(isControl ? " " : scalar)
        }
        return String(String(line).prefix(longestStatus))
    }

    /// Characters. A datagram holds far more; a screen does not.
    private static let longestStatus = 400

    private static func monotonicMicroseconds() -> Int64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
    }
}

/// Tells systemd how the service is (sd_notify(3)): a datagram to the socket that `NOTIFY_SOCKET` names.
package enum ServiceManager {
    /// All in one message. Does nothing where no service manager asked for it; nobody listening is no reason to stop.
    ///
    /// - Parameter socket: an absolute path, or `@` and a name of the abstract namespace.
    package static func notify(_ states: ServiceState..., socket: String? = ProcessVariable.value("NOTIFY_SOCKET")) {
        guard let socket else { return }
        send(states.map(\.assignments).joined(separator: "\n"), to: socket)
    }

    private static func send(_ text: String, to name: String) {
        var path = Array(name.utf8)
        var address = sockaddr_un()
        let capacity = MemoryLayout.size(ofValue: address.sun_path)
        guard let first = path.first, path.count < capacity else { return }
        // `@name` is the abstract namespace, whose first byte is NUL.
        if first == UInt8(ascii: "@") { path[0] = 0 } else if first != UInt8(ascii: "/") { return }
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path) }
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        let length = socklen_t(MemoryLayout.offset(of: \sockaddr_un.sun_path).map { $0 + path.count } ?? 0)
        let message = Array(text.utf8)
        _ = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                unsafe sendto(descriptor, message, message.count, Int32(MSG_NOSIGNAL), address, length)
            }
        }
    }
}

/// One variable of this process's environment.
package enum ProcessVariable {
    package static func value(_ name: String) -> String? {
        guard let value = unsafe getenv(name) else { return nil }
        return unsafe String(cString: value)
    }
}

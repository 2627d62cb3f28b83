import Glibc

/// What a service manager is to its services: a datagram socket, of the file system or abstract (sd_notify(3)).
public final class ServiceManagerSocket {
    /// For `NOTIFY_SOCKET`.
    public let name: String
    private let descriptor: Int32
    private let path: String?

    public init(isAbstract: Bool) throws {
        let text = "bootgate-notify-\(getpid())-\(UInt64.random(in: .min ... .max))"
        path = isAbstract ? nil : "/tmp/\(text)"
        name = path ?? "@\(text)"
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw ProcessError.system(call: "socket", errno: errno) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var bytes = Array(name.utf8)
        if isAbstract { bytes[0] = 0 }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count)
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
        }
        guard bound == 0 else { throw ProcessError.system(call: "bind", errno: errno) }
        var patience = timeval(tv_sec: 0, tv_usec: 200_000)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit {
        close(descriptor)
        if let path { unlink(path) }
    }

    /// The assignments of the next message; nil when none came within 0.2 s.
    public func next() -> [String]? {
        var buffer = [UInt8](repeating: 0, count: 8192)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        guard count >= 0 else { return nil }
        return String(decoding: buffer[..<count], as: UTF8.self).split(separator: "\n").map(String.init)
    }

    /// Reads until a message holds an assignment that begins so; false when none came in time.
    public func hears(_ beginning: String, seconds: Int = 60) -> Bool {
        let deadline = monotonicSeconds() + seconds
        while monotonicSeconds() < deadline {
            if let message = next(), message.contains(where: { $0.hasPrefix(beginning) }) { return true }
        }
        return false
    }

    /// How many messages with this assignment come within so many seconds.
    public func count(_ assignment: String, withinSeconds seconds: Int) -> Int {
        let deadline = monotonicSeconds() + seconds
        var count = 0
        while monotonicSeconds() < deadline {
            if let message = next(), message.contains(assignment) { count += 1 }
        }
        return count
    }
}

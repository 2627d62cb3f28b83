import Glibc
import Synchronization

/// Blocking Unix stream sockets with the framing of TPM commands: tag, total size, code (Part 1, section 18).
enum UnixSocket {
    static func connect(to path: String, timeoutSeconds: Int = 60) throws -> Int32 {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw ProcessError.system(call: "socket", errno: errno) }
        var timeout = timeval(tv_sec: timeoutSeconds, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        let result = withAddress(path) { Glibc.connect(descriptor, $0, $1) }
        guard result == 0 else {
            let number = errno
            close(descriptor)
            throw ProcessError.system(call: "connect \(path)", errno: number)
        }
        return descriptor
    }

    /// Whether somebody listens there.
    static func accepts(_ path: String) -> Bool {
        guard let descriptor = try? connect(to: path) else { return false }
        close(descriptor)
        return true
    }

    static func listen(at path: String) throws -> Int32 {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw ProcessError.system(call: "socket", errno: errno) }
        guard withAddress(path, { bind(descriptor, $0, $1) }) == 0, Glibc.listen(descriptor, 16) == 0 else {
            let number = errno
            close(descriptor)
            throw ProcessError.system(call: "bind \(path)", errno: number)
        }
        return descriptor
    }

    /// Waits for a client; nil when the listener is shut down.
    static func accept(from listener: Int32) -> Int32? {
        while true {
            var events = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
            guard poll(&events, 1, -1) > 0 else {
                if errno == EINTR { continue }
                return nil
            }
            let client = spawnLock.withLock { _ in
                let client = Glibc.accept(listener, nil, nil)
                if client >= 0 { closeOnExec(client) }
                return client
            }
            return client >= 0 ? client : nil
        }
    }

    /// One command or response; nil when the peer has closed.
    static func readMessage(_ descriptor: Int32) throws -> [UInt8]? {
        guard let header = try readExactly(descriptor, 10) else { return nil }
        let size = header[2..<6].reduce(0) { $0 << 8 | Int($1) }
        guard size >= 10, size <= 65_536 else { throw ProcessError.system(call: "message size \(size)", errno: EPROTO) }
        guard let body = try readExactly(descriptor, size - 10) else { return nil }
        return header + body
    }

    static func write(_ bytes: [UInt8], to descriptor: Int32) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw ProcessError.system(call: "send", errno: errno) }
            rest = rest.dropFirst(count)
        }
    }

    private static func readExactly(_ descriptor: Int32, _ count: Int) throws -> [UInt8]? {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: max(count, 1))
        while bytes.count < count {
            let got = recv(descriptor, &chunk, count - bytes.count, 0)
            if got < 0, errno == EINTR { continue }
            guard got >= 0 else { throw ProcessError.system(call: "recv", errno: errno) }
            if got == 0 { return nil }
            bytes += chunk[..<got]
        }
        return bytes
    }

    private static func withAddress(_ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            errno = ENAMETOOLONG
            return -1
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
        }
    }
}

internal import Glibc

/// Tells systemd how the service is (sd_notify(3)): a datagram to the socket that `NOTIFY_SOCKET` names.
package enum ServiceManager {
    /// Does nothing where no service manager asked for it; nobody listening is no reason to stop.
    package static func notify(_ state: String) {
        guard let value = unsafe getenv("NOTIFY_SOCKET") else { return }
        var path = Array(unsafe String(cString: value).utf8)
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
        let message = Array(state.utf8)
        _ = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                unsafe sendto(descriptor, message, message.count, Int32(MSG_NOSIGNAL), address, length)
            }
        }
    }
}

import Foundation
import Glibc

/// Plain TCP connections from loopback addresses of choice, held open until the other side or the test closes them.
final class RawConnections {
    private var descriptors: [Int32] = []

    /// - Parameters:
    ///   - ports: taken in turn.
    ///   - addresses: sources on this machine, taken in turn.
    init(_ count: Int, to ports: [Int], from addresses: [String]) throws {
        for index in 0..<count {
            descriptors.append(
                try Self.connect(to: ports[index % ports.count], from: addresses[index / ports.count % addresses.count])
            )
        }
    }

    deinit { for descriptor in descriptors { close(descriptor) } }

    /// Byte `index` of each connection's text; a text that is at its end begins anew.
    func trickle(_ index: Int, of texts: [[UInt8]]) {
        for (position, descriptor) in descriptors.enumerated() {
            let text = texts[position % texts.count]
            // A connection that is gone is counted by `openCount`.
            _ = send(descriptor, [text[index % text.count]], 1, Int32(MSG_DONTWAIT | MSG_NOSIGNAL))
        }
    }

    /// Connections that the other side has not closed.
    var openCount: Int { descriptors.count { Self.isOpen($0) } }

    private static func isOpen(_ descriptor: Int32) -> Bool {
        var bytes = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = recv(descriptor, &bytes, bytes.count, Int32(MSG_DONTWAIT))
            if count == 0 { return false }
            if count < 0 { return errno == EAGAIN || errno == EINTR }
        }
    }

    private static func connect(to port: Int, from source: String) throws -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw LaboratoryError("no socket: \(String(cString: strerror(errno)))") }
        func address(_ host: String, _ port: Int) -> sockaddr_in {
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = in_port_t(port).bigEndian
            inet_pton(AF_INET, host, &address.sin_addr)
            return address
        }
        func call(_ address: sockaddr_in, _ function: (Int32, UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Bool {
            withUnsafePointer(to: address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    function(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
                }
            }
        }
        guard call(address(source, 0), { bind($0, $1, $2) }),
            call(address("127.0.0.1", port), { Glibc.connect($0, $1, $2) })
        else {
            close(descriptor)
            throw LaboratoryError("no connection from \(source): \(String(cString: strerror(errno)))")
        }
        return descriptor
    }
}

/// Open files of this process and of the programs that it starts.
enum DescriptorLimit {
    /// - Returns: whether that many may be open now.
    static func raise(to count: UInt64) -> Bool {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return false }
        guard limit.rlim_cur < rlim_t(count) else { return true }
        limit.rlim_cur = rlim_t(count)
        limit.rlim_max = max(limit.rlim_max, limit.rlim_cur)
        return setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0
    }
}

internal import AssetFingerprints
internal import Glibc

/// The kernel's socket tables `/proc/net/{tcp,tcp6,udp,udp6}` (Linux, Documentation/networking/proc_net_tcp.rst).
struct SocketTable {
    static let maxBytes = 256 << 20
    static let maxSockets = 100_000

    struct Socket: Hashable {
        let transport: ListeningPort.TransportProtocol
        let address: String
        let port: UInt16
        let user: UInt32
        let inode: UInt64
    }

    let files: HostFiles

    /// TCP sockets in state LISTEN and UDP sockets that are not connected, as `ss -ltun` lists them.
    func listening() throws(HostInventoryError) -> [Socket] {
        var sockets: [Socket] = []
        for (name, transport) in [
            ("tcp", ListeningPort.TransportProtocol.tcp), ("tcp6", .tcp), ("udp", .udp), ("udp6", .udp),
        ] {
            let path = "/proc/net/\(name)"
            // No file: the kernel was built, or booted, without this family.
            _ = try files.forEachLine(of: path, maxBytes: Self.maxBytes) { (line) throws(HostInventoryError) in
                guard let socket = Self.parse(line, transport) else { return }
                guard sockets.count < Self.maxSockets else { throw .tooLarge(path: path, limit: Self.maxSockets) }
                sockets.append(socket)
            }
        }
        return sockets
    }

    /// One line of a table; nil for the heading, other states, and lines of another form.
    static func parse(_ line: [UInt8], _ transport: ListeningPort.TransportProtocol) -> Socket? {
        let fields = line.split(separator: 0x20, omittingEmptySubsequences: true)
        // sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode …
        guard fields.count >= 10, text(fields[3]) == (transport == .tcp ? "0A" : "07"),
            let user = UInt32(text(fields[7])), let inode = UInt64(text(fields[9]))
        else { return nil }
        let local = text(fields[1]).split(separator: ":")
        guard local.count == 2, let port = UInt16(local[1], radix: 16), let address = address(String(local[0])) else {
            return nil
        }
        return Socket(transport: transport, address: address, port: port, user: user, inode: inode)
    }

    /// The kernel prints an address as 32-bit words in the machine's own byte order.
    private static func address(_ hex: String) -> String? {
        var bytes: [UInt8] = []
        var rest = hex[...]
        while !rest.isEmpty {
            guard rest.utf8.count >= 8, let word = UInt32(rest.prefix(8), radix: 16) else { return nil }
            unsafe withUnsafeBytes(of: word) { unsafe bytes.append(contentsOf: $0) }
            rest = rest.dropFirst(8)
        }
        guard bytes.count == 4 || bytes.count == 16 else { return nil }
        var buffer = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        let family = bytes.count == 4 ? AF_INET : AF_INET6
        guard unsafe inet_ntop(family, bytes, &buffer, socklen_t(buffer.count)) != nil else { return nil }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private static func text(_ bytes: ArraySlice<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }
}

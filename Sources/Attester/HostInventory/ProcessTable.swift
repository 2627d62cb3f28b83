/// What `/proc` says of the processes. A process that ends while it is read is left out.
struct ProcessTable {
    /// More than the kernel's default of process ids.
    static let maxProcesses = 131_072
    /// Descriptors of one process that are looked at.
    static let maxDescriptors = 1_048_576

    let files: HostFiles

    func processIDs() throws(HostInventoryError) -> [String] {
        try files.names(in: "/proc", maxCount: Self.maxProcesses).filter { name in
            name.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        }
    }

    struct Process {
        let name: String
        let effectiveUser: UInt32
    }

    /// Name and effective user of `/proc/PID/status`; nil for a process that is gone.
    func process(_ id: String) -> Process? {
        var name: String?
        var user: UInt32?
        _ = try? files.forEachLine(of: "/proc/\(id)/status", maxBytes: 1 << 20) { (line) throws(HostInventoryError) in
            if name == nil, let value = Self.value(of: "Name:", in: line) { name = value }
            if user == nil, let value = Self.value(of: "Uid:", in: line) {
                // Real, effective, saved, file system.
                let fields = value.split(separator: "\t")
                user = fields.count > 1 ? UInt32(fields[1]) : nil
            }
        }
        guard let name, let user else { return nil }
        return Process(name: name, effectiveUser: user)
    }

    /// The executable as the kernel names it; nil for kernel threads and processes that are gone.
    func executable(_ id: String) -> HostFiles.Link { files.link("/proc/\(id)/exe") }

    /// Inodes of the sockets that a process holds, of those that are `wanted`.
    func sockets(_ id: String, wanted: Set<UInt64>) -> Set<UInt64> {
        guard let descriptors = try? files.names(in: "/proc/\(id)/fd", maxCount: Self.maxDescriptors) else { return [] }
        var found: Set<UInt64> = []
        for descriptor in descriptors {
            guard case .target(let target) = files.link("/proc/\(id)/fd/\(descriptor)"), target.hasPrefix("socket:["),
                let inode = UInt64(target.dropFirst(8).dropLast()), wanted.contains(inode)
            else { continue }
            found.insert(inode)
        }
        return found
    }

    private static func value(of key: String, in line: [UInt8]) -> String? {
        guard line.starts(with: key.utf8) else { return nil }
        return String(decoding: line.dropFirst(key.utf8.count).drop { $0 == 0x09 || $0 == 0x20 }, as: UTF8.self)
    }
}

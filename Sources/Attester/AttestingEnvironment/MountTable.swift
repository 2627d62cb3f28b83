/// What of `/proc/self/mountinfo` tells whether a mount shows something else than what lies beneath it
/// (proc_pid_mountinfo(5)).
package struct MountTable: Hashable, Sendable {
    struct Mount: Hashable {
        /// `major:minor` of the file system.
        var device: Substring
        /// The directory of the file system that the mount shows.
        var root: String
        /// Where it shows it, as this process sees it.
        var point: String
    }

    private var mounts: [Int: Mount] = [:]

    package init(_ text: String) {
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: " ", maxSplits: 5)
            guard fields.count == 6, let id = Int(fields[0]) else { continue }
            mounts[id] = Mount(
                device: fields[2], root: Self.unescape(fields[3]), point: Self.unescape(fields[4]))
        }
    }

    /// Whether the mount shows exactly the directory that would be seen at its place without it: a service manager makes
    /// such mounts to keep one directory writable in a read-only tree (systemd.exec(5), ProtectSystem=strict).
    ///
    /// - Parameters:
    ///   - id: of the mount in question.
    ///   - parent: of the mount that the directory above belongs to.
    /// - Returns: false also where one of them is not in the table.
    package func isTransparent(_ id: Int, over parent: Int) -> Bool {
        guard let own = mounts[id], let above = mounts[parent], own.device == above.device,
            let rest = Self.relative(own.point, to: above.point)
        else { return false }
        return own.root == (above.root == "/" ? "" : above.root) + rest
    }

    /// `/a/b` relative to `/a` is `/b`; nil where it is not below.
    private static func relative(_ path: String, to base: String) -> String? {
        let base = base == "/" ? "" : base
        guard path.hasPrefix(base + "/") else { return nil }
        return String(path.dropFirst(base.count))
    }

    /// Blank, tab, line feed and backslash are written as three octal digits.
    private static func unescape(_ text: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "\\"), rest.count >= 3,
                let code = UInt8(String(decoding: rest.prefix(3), as: UTF8.self), radix: 8)
            {
                bytes.append(code)
                rest = rest.dropFirst(3)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

internal import Glibc

/// Reads files below a root: the machine's, or a folder that a test has laid out. Every read has a limit.
struct HostFiles: Sendable {
    /// Without a trailing slash; empty for the machine itself.
    let root: String

    /// Calls `body` with each line, without its end, holding one line and one chunk in memory at a time. A line beyond
    /// `maxLine` is cut there.
    ///
    /// - Returns: false when the file does not exist.
    func forEachLine(
        of path: String, maxBytes: Int, maxLine: Int = 65_536, _ body: ([UInt8]) throws(HostInventoryError) -> Void
    ) throws(HostInventoryError) -> Bool {
        let descriptor = unsafe open(root + path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            let number = errno
            if number == ENOENT || number == ENOTDIR { return false }
            throw .unreadable(path: path, errno: number)
        }
        defer { close(descriptor) }
        var chunk = [UInt8](repeating: 0, count: 65_536)
        var line: [UInt8] = []
        var total = 0
        while true {
            let count = unsafe read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            // ESRCH: a process that ended while its file was read.
            guard count >= 0 else { throw .unreadable(path: path, errno: errno) }
            if count == 0 { break }
            total += count
            guard total <= maxBytes else { throw .tooLarge(path: path, limit: maxBytes) }
            for byte in chunk[..<count] {
                if byte == 0x0A {
                    try body(line)
                    line.removeAll(keepingCapacity: true)
                } else if line.count < maxLine {
                    line.append(byte)
                }
            }
        }
        if !line.isEmpty { try body(line) }
        return true
    }

    /// The lines of a small file as text; nil when it does not exist.
    func lines(of path: String, maxBytes: Int) throws(HostInventoryError) -> [String]? {
        var lines: [String] = []
        let exists = try forEachLine(of: path, maxBytes: maxBytes) { (line) throws(HostInventoryError) in
            lines.append(String(decoding: line, as: UTF8.self))
        }
        return exists ? lines : nil
    }

    /// Names in a folder without `.` and `..`, sorted by bytes.
    func names(in path: String, maxCount: Int) throws(HostInventoryError) -> [String] {
        guard let directory = unsafe opendir(root + path) else { throw .unreadable(path: path, errno: errno) }
        defer { unsafe _ = closedir(directory) }
        var names: [String] = []
        while let entry = unsafe readdir(directory) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { raw in
                unsafe String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name == "." || name == ".." { continue }
            guard names.count < maxCount else { throw .tooLarge(path: path, limit: maxCount) }
            names.append(name)
        }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    enum Link: Hashable {
        case target(String)
        /// It is there, but not for this account's eyes.
        case forbidden
        /// There is no such link (any more).
        case none
    }

    func link(_ path: String) -> Link {
        var buffer = [UInt8](repeating: 0, count: 4_096)
        let count = unsafe buffer.withUnsafeMutableBytes { raw in
            unsafe raw.baseAddress.map { unsafe readlink(root + path, $0, raw.count) } ?? -1
        }
        if count >= 0 { return .target(String(decoding: buffer[..<count], as: UTF8.self)) }
        return errno == EACCES || errno == EPERM ? .forbidden : .none
    }
}

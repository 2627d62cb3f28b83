internal import Glibc

/// An open file, closed with its value.
struct FileDescriptor: ~Copyable {
    let number: Int32

    /// - Parameter parent: Where a relative path begins; nil for the working directory.
    /// - Throws: errno.
    static func open(_ path: String, _ flags: Int32, mode: mode_t = 0, in parent: Int32 = AT_FDCWD)
        throws(SystemError) -> FileDescriptor
    {
        while true {
            let number = unsafe openat(parent, path, flags | O_CLOEXEC, mode)
            if number >= 0 { return FileDescriptor(number: number) }
            guard errno == EINTR else { throw SystemError(errno) }
        }
    }

    deinit { close(number) }

    func status() throws(SystemError) -> stat {
        var status = stat()
        guard unsafe fstat(number, &status) == 0 else { throw SystemError(errno) }
        return status
    }

    /// At most `count` bytes from where the last reading ended; none at the end.
    static func readNext(_ number: Int32, _ count: Int) throws(SystemError) -> [UInt8] {
        var chunk = [UInt8](repeating: 0, count: count)
        while true {
            let got = unsafe chunk.withUnsafeMutableBytes { buffer in
                unsafe Glibc.read(number, buffer.baseAddress, buffer.count)
            }
            if got >= 0 {
                chunk.removeLast(count - got)
                return chunk
            }
            guard errno == EINTR else { throw SystemError(errno) }
        }
    }

    /// Reads to the end of the file; stops with EFBIG after `limit` bytes, whatever the file claims about its size.
    func readAll(limit: Int) throws(SystemError) -> [UInt8] {
        var bytes: [UInt8] = []
        while true {
            let piece = try Self.readNext(number, min(limit + 1, 64 * 1024))
            if piece.isEmpty { return bytes }
            guard piece.count <= limit - bytes.count else { throw SystemError(EFBIG) }
            bytes += piece
        }
    }

    func writeAll(_ bytes: [UInt8]) throws(SystemError) {
        var written = 0
        while written < bytes.count {
            let start = written
            let count = unsafe bytes.withUnsafeBytes { buffer in
                unsafe write(number, buffer.baseAddress! + start, buffer.count - start)
            }
            guard count > 0 else {
                if count < 0, errno == EINTR { continue }
                throw SystemError(count == 0 ? EIO : errno)
            }
            written += count
        }
    }

    func synchronize() throws(SystemError) {
        guard fsync(number) == 0 else { throw SystemError(errno) }
    }
}

/// An errno value with its text.
struct SystemError: Error, Hashable, CustomStringConvertible {
    let number: Int32
    init(_ number: Int32) { self.number = number }
    var description: String { unsafe String(cString: strerror(number)) }
}

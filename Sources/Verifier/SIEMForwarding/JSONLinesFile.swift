internal import Glibc
internal import SecurityEvents
internal import Synchronization

/// The file behind a ``JSONLinesSink``.
final class JSONLinesFile: Sendable {
    private let path: String
    private let descriptor = Mutex<Int32?>(nil)

    init(path: String) { self.path = path }

    deinit { descriptor.withLock { if let number = $0 { close(number) } } }

    /// Appends what the file does not hold already and syncs it.
    func append(_ lines: [(id: String, line: [UInt8])]) throws(DeliveryError) {
        let result: Result<Void, DeliveryError> = descriptor.withLock { descriptor in
            do throws(DeliveryError) {
                if let open = descriptor, !isAtPath(open) {
                    close(open)
                    descriptor = nil
                }
                let file: Int32
                var rest = lines[...]
                if let open = descriptor {
                    file = open
                } else {
                    file = try openFile()
                    descriptor = file
                    if let last = try repairTail(file), let index = rest.lastIndex(where: { last.contains(id: $0.id) })
                    {
                        rest = rest[(index + 1)...]
                    }
                }
                do throws(DeliveryError) {
                    try write(rest.flatMap { $0.line + [0x0A] }, to: file)
                    guard fsync(file) == 0 else { throw failure("fsync") }
                } catch {
                    // What reached the file is found again by the next attempt, as after a crash.
                    close(file)
                    descriptor = nil
                    throw error
                }
                return .success(())
            } catch {
                return .failure(error)
            }
        }
        try result.get()
    }

    private func openFile() throws(DeliveryError) -> Int32 {
        let file = unsafe open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0o640)
        guard file >= 0 else { throw failure("open") }
        var status = stat()
        guard unsafe fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(file)
            throw DeliveryError(.file, "\(path) is no regular file")
        }
        if status.st_size == 0 { syncDirectory() }
        return file
    }

    /// A new name lasts only once its directory is synced.
    private func syncDirectory() {
        let folder = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let directory = unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { return }
        fsync(directory)
        close(directory)
    }

    private func isAtPath(_ file: Int32) -> Bool {
        var opened = stat()
        var named = stat()
        guard unsafe fstat(file, &opened) == 0, unsafe stat(path, &named) == 0 else { return false }
        return opened.st_ino == named.st_ino && opened.st_dev == named.st_dev
    }

    /// Cuts a torn last line.
    /// - Returns: the last whole line, nil where there is none.
    private func repairTail(_ file: Int32) throws(DeliveryError) -> LastLine? {
        let size = Int(lseek(file, 0, SEEK_END))
        guard size > 0 else { return nil }
        // Two lines at most, each within the encoder's limit.
        let start = max(0, size - 2 * (SecurityEventLimits.file.totalBytes + 1))
        let tail = try read(file, from: start, count: size - start)
        guard let end = tail.lastIndex(of: 0x0A) else {
            guard start == 0 else { throw DeliveryError(.file, "\(path) does not hold lines of events") }
            guard ftruncate(file, 0) == 0 else { throw failure("ftruncate") }
            return nil
        }
        if end + 1 < tail.count {
            guard ftruncate(file, off_t(start + end + 1)) == 0 else { throw failure("ftruncate") }
        }
        let lineStart = tail[..<end].lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
        return LastLine(bytes: Array(tail[lineStart..<end]))
    }

    private func read(_ file: Int32, from start: Int, count: Int) throws(DeliveryError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            let step = unsafe bytes.withUnsafeMutableBytes { buffer in
                unsafe pread(file, buffer.baseAddress! + done, count - done, off_t(start + done))
            }
            if step < 0, errno == EINTR { continue }
            guard step > 0 else { throw failure("read") }
            done += step
        }
        return bytes
    }

    private func write(_ bytes: [UInt8], to file: Int32) throws(DeliveryError) {
        var done = 0
        while done < bytes.count {
            let step = unsafe bytes.withUnsafeBytes { buffer in
                unsafe Glibc.write(file, buffer.baseAddress! + done, buffer.count - done)
            }
            if step < 0, errno == EINTR { continue }
            guard step > 0 else { throw failure("write") }
            done += step
        }
    }

    private func failure(_ call: String) -> DeliveryError {
        DeliveryError(.file, "\(call) \(path): \(unsafe String(cString: strerror(errno)))")
    }

    private struct LastLine {
        let bytes: [UInt8]
        /// The encoder writes the id first.
        func contains(id: String) -> Bool { bytes.starts(with: Array("{\"id\":\"\(id)\",".utf8)) }
    }
}

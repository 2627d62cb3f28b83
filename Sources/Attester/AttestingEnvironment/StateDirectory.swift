internal import Glibc

/// The agent's private directory, held open: what is done in it cannot be turned elsewhere by renaming the path.
///
/// Guarantees at ``open(_:)``: a directory, not a link, of mode 0700 exactly, owned by the agent's effective user, on a
/// file system that keeps what it is told (AG-07). A file written is either the old one or the new one after a crash.
package final class StateDirectory: Sendable {
    package let path: String
    private let directory: SharedDescriptor

    /// Copyable ownership of the directory's descriptor.
    private final class SharedDescriptor: Sendable {
        let number: Int32
        init(_ number: Int32) { self.number = number }
        deinit { close(number) }
    }

    private init(path: String, _ directory: SharedDescriptor) {
        self.path = path
        self.directory = directory
    }

    /// Opens the directory and makes it first when it is absent (its parent must exist).
    ///
    /// - Throws: ``EnvironmentError`` with the code `stateDirectory`.
    package static func open(_ path: String) throws(EnvironmentError) -> StateDirectory {
        func refuse(_ reason: String) -> EnvironmentError {
            EnvironmentError(.stateDirectory, path: path, reason)
        }
        guard path.hasPrefix("/") else { throw refuse("not an absolute path") }
        if unsafe mkdir(path, 0o700) != 0, errno != EEXIST { throw refuse("\(SystemError(errno))") }
        let number = unsafe Glibc.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard number >= 0 else {
            throw refuse(errno == ENOTDIR || errno == ELOOP ? "not a directory, or a link" : "\(SystemError(errno))")
        }
        let directory = SharedDescriptor(number)
        var status = stat()
        guard unsafe fstat(number, &status) == 0 else { throw refuse("\(SystemError(errno))") }
        guard status.st_uid == geteuid() else {
            throw refuse("owned by user \(status.st_uid), not by the agent's user \(geteuid())")
        }
        guard status.st_mode & 0o7777 == 0o700 else {
            throw refuse("mode \(String(status.st_mode & 0o7777, radix: 8)), must be 700")
        }
        guard !Self.isMountPoint(number, status) else { throw refuse("a mount point of its own") }
        return StateDirectory(path: path, directory)
    }

    /// A bind mount over the state directory could show another node's state. Compares with the parent's mount id,
    /// which also tells bind mounts of the same file system; one that shows what lies there anyway is none.
    private static func isMountPoint(_ number: Int32, _ status: stat) -> Bool {
        guard let own = mountID("/proc/self/fdinfo/\(number)"),
            let parent = try? FileDescriptor.open("..", O_RDONLY | O_DIRECTORY, in: number),
            let above = mountID("/proc/self/fdinfo/\(parent.number)"), own != above
        else { return false }
        guard let mounts = text("/proc/self/mountinfo", limit: 4 << 20) else { return true }
        return !MountTable(mounts).isTransparent(own, over: above)
    }

    private static func mountID(_ path: String) -> Int? {
        text(path, limit: 4096)?.split(separator: "\n").first { $0.hasPrefix("mnt_id:") }?
            .split(whereSeparator: { $0 == "\t" || $0 == " " }).last.flatMap { Int($0) }
    }

    private static func text(_ path: String, limit: Int) -> String? {
        guard let file = try? FileDescriptor.open(path, O_RDONLY), let bytes = try? file.readAll(limit: limit) else {
            return nil
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// - Returns: nil when there is no such file.
    /// - Throws: ``EnvironmentError`` with the code `stateFile`, also for links, other kinds of files, and files over
    ///   `limit` bytes.
    package func read(_ name: String, limit: Int = 1 << 20) throws(EnvironmentError) -> [UInt8]? {
        do throws(SystemError) {
            let file = try FileDescriptor.open(
                name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, in: directory.number)
            let status = try file.status()
            guard status.st_mode & S_IFMT == S_IFREG, status.st_uid == geteuid() else {
                throw SystemError(EINVAL)
            }
            return try file.readAll(limit: limit)
        } catch {
            if error.number == ENOENT { return nil }
            throw EnvironmentError(.stateFile, path: "\(path)/\(name)", "\(error)")
        }
    }

    /// Replaces a file whole: temporary file, fsync, rename, fsync of the directory. Mode 0600.
    package func write(_ name: String, _ bytes: [UInt8]) throws(EnvironmentError) {
        let temporary = ".\(name).new"
        do {
            // One process writes here (the lock file says so): what is left of a killed one is in the way.
            unsafe unlinkat(directory.number, temporary, 0)
            let file = try FileDescriptor.open(
                temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600, in: directory.number)
            try file.writeAll(bytes)
            try file.synchronize()
            guard unsafe renameat(directory.number, temporary, directory.number, name) == 0,
                fsync(directory.number) == 0
            else { throw SystemError(errno) }
        } catch {
            unsafe unlinkat(directory.number, temporary, 0)
            throw EnvironmentError(.stateFile, path: "\(path)/\(name)", "\(error)")
        }
    }

    /// Removes a file; nothing happens when there is none.
    package func remove(_ name: String) throws(EnvironmentError) {
        guard unsafe unlinkat(directory.number, name, 0) == 0 || errno == ENOENT, fsync(directory.number) == 0 else {
            throw EnvironmentError(.stateFile, path: "\(path)/\(name)", "\(SystemError(errno))")
        }
    }

    /// Keeps a second agent off this state until the value is gone; the kernel drops the lock of a killed process.
    ///
    /// - Throws: ``EnvironmentError`` with the code `stateDirectory` when another process holds it.
    package func lock() throws(EnvironmentError) -> StateLock {
        do throws(SystemError) {
            let file = try FileDescriptor.open(
                "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, mode: 0o600, in: directory.number)
            guard flock(file.number, LOCK_EX | LOCK_NB) == 0 else { throw SystemError(errno) }
            return StateLock(file)
        } catch {
            throw EnvironmentError(
                .stateDirectory, path: path,
                error.number == EWOULDBLOCK ? "another agent uses it" : "\(error)")
        }
    }
}

/// The exclusive right to a ``StateDirectory``.
package struct StateLock: ~Copyable {
    private let file: FileDescriptor
    init(_ file: consuming FileDescriptor) { self.file = file }
}

internal import Glibc

/// A directory in which the agent shows other processes what it knows; below `/run`, gone with the boot.
///
/// Guarantees: what is written is either the old or the new file, whole; only whoever owns the directory (or root) can
/// have written what is read. Not: that it outlives a crash (nothing is synchronised), or that root did not forge it.
package struct PublicDirectory: Sendable {
    private let path: String

    /// - Parameter path: made, with mode 0755, at the first writing when it is absent; its parent must exist.
    package init(_ path: String) { self.path = path }

    /// Replaces a file whole. Mode 0644.
    ///
    /// - Throws: ``EnvironmentError`` with the code `stateFile`, also where others may write in the directory.
    package func write(_ name: String, _ bytes: [UInt8]) throws(EnvironmentError) {
        let temporary = ".\(name).new"
        do throws(SystemError) {
            if unsafe mkdir(path, 0o755) != 0, errno != EEXIST { throw SystemError(errno) }
            let directory = try open(owner: geteuid())
            // One agent writes here: what is left of a killed one is in the way.
            unsafe unlinkat(directory.number, temporary, 0)
            let file = try FileDescriptor.open(
                temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o644, in: directory.number)
            do throws(SystemError) {
                try file.writeAll(bytes)
                // Whatever the umask is.
                guard fchmod(file.number, 0o644) == 0,
                    unsafe renameat(directory.number, temporary, directory.number, name) == 0
                else { throw SystemError(errno) }
            } catch {
                unsafe unlinkat(directory.number, temporary, 0)
                throw error
            }
        } catch {
            throw EnvironmentError(.stateFile, path: "\(path)/\(name)", Self.reason(error))
        }
    }

    /// - Returns: nil when there is no such file or directory.
    /// - Throws: ``EnvironmentError`` with the code `stateFile`: links, other kinds of files, files over `limit` bytes, and
    ///   what others than the directory's owner could have written.
    package func read(_ name: String, limit: Int = 1 << 20) throws(EnvironmentError) -> [UInt8]? {
        do throws(SystemError) {
            let directory = try open(owner: nil)
            let file = try FileDescriptor.open(
                name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, in: directory.number)
            let status = try file.status()
            let owner = try directory.status().st_uid
            guard status.st_mode & S_IFMT == S_IFREG else { throw SystemError(EINVAL) }
            guard status.st_uid == owner || status.st_uid == 0, status.st_mode & 0o022 == 0 else {
                throw SystemError(EPERM)
            }
            return try file.readAll(limit: limit)
        } catch {
            if error.number == ENOENT { return nil }
            throw EnvironmentError(.stateFile, path: "\(path)/\(name)", Self.reason(error))
        }
    }

    /// - Parameter owner: who must own it; nil for anybody.
    private func open(owner: uid_t?) throws(SystemError) -> FileDescriptor {
        let directory = try FileDescriptor.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
        let status = try directory.status()
        guard owner == nil || status.st_uid == owner, status.st_mode & 0o022 == 0 else { throw SystemError(EPERM) }
        return directory
    }

    private static func reason(_ error: SystemError) -> String {
        switch error.number {
        case EPERM: "others than its owner may write there, or it belongs to another user"
        case ELOOP, ENOTDIR: "a symbolic link, or not a directory"
        case EINVAL: "not a regular file"
        default: error.description
        }
    }
}

internal import Glibc

/// Reads a log that becomes evidence from a path that root of the node chooses.
package enum EvidenceSource {
    /// Cap of a boot log in bytes (catalogue AG-03).
    package static let bootLogLimit = 16 << 20

    /// Opens once, without following a link in the last component and without waiting, and accepts only regular files
    /// (securityfs files are regular). Sparse and endless files end at `limit`.
    ///
    /// - Throws: ``EnvironmentError`` with the code `logSource`: links, FIFOs, directories, devices, files over `limit`,
    ///   missing and unreadable files.
    package static func read(_ path: String, limit: Int = bootLogLimit) throws(EnvironmentError) -> [UInt8] {
        do throws(SystemError) {
            let file = try FileDescriptor.open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)
            let status = try file.status()
            guard status.st_mode & S_IFMT == S_IFREG else { throw SystemError(EINVAL) }
            // securityfs and procfs give size 0: the reading itself is bounded too.
            guard status.st_size <= limit else { throw SystemError(EFBIG) }
            return try file.readAll(limit: limit)
        } catch {
            let reason =
                switch error.number {
                case ELOOP: "a symbolic link"
                case EFBIG: "over \(limit) bytes"
                case EINVAL: "not a regular file"
                default: error.description
                }
            throw EnvironmentError(.logSource, path: path, reason)
        }
    }
}

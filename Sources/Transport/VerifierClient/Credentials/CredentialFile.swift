internal import Glibc

/// Reads a certificate or key file whole, after looking at what was opened rather than at a path.
enum CredentialFile {
    static let maxSize = 256 * 1024

    static func read(_ path: String, isSecret: Bool) throws(VerifierClientError) -> [UInt8] {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        guard descriptor >= 0 else {
            throw VerifierClientError(.configuration, "\(path): \(unsafe String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw VerifierClientError(.configuration, "\(path): not a regular file")
        }
        if isSecret, status.st_mode & 0o077 != 0 {
            throw VerifierClientError(
                .keyPermissions,
                "CLI_KEY_PERMS: \(path) has mode \(String(status.st_mode & 0o777, radix: 8)); others than its owner "
                    + "may use the private key. Run: chmod 600 \(path)")
        }
        guard status.st_size <= maxSize else {
            throw VerifierClientError(.configuration, "\(path): over \(maxSize) bytes")
        }
        var bytes = [UInt8](repeating: 0, count: maxSize + 1)
        var filled = 0
        while filled < bytes.count {
            let start = filled
            let count = unsafe bytes.withUnsafeMutableBytes { buffer in
                unsafe Glibc.read(descriptor, buffer.baseAddress! + start, buffer.count - start)
            }
            if count < 0 {
                if errno == EINTR { continue }
                throw VerifierClientError(.configuration, "\(path): \(unsafe String(cString: strerror(errno)))")
            }
            if count == 0 { break }
            filled += count
        }
        guard filled <= maxSize else { throw VerifierClientError(.configuration, "\(path): over \(maxSize) bytes") }
        return Array(bytes.prefix(filled))
    }
}

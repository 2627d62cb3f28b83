internal import Glibc
package import VerifierService

/// The key of the audit chain, in a file of mode 0600 outside the database.
package enum AuditKeyFile {
    /// Makes a new key; an existing file is never replaced, or the chain so far could not be verified any more.
    package static func create(path: String, random: any RandomSource = SystemRandom()) throws {
        let descriptor = unsafe Glibc.open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            let code: StoreOpeningError.Code = errno == EEXIST ? .exists : .unavailable
            throw StoreOpeningError(code, "\(path): \(unsafe String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        let key = random.bytes(SQLiteStore.auditKeySize)
        let written = unsafe key.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
        guard written == key.count, fsync(descriptor) == 0 else {
            throw StoreOpeningError(.unavailable, "\(path): the key could not be written")
        }
    }

    /// - Throws: ``StoreOpeningError`` when the file is missing, readable by others, or not of the key's size.
    package static func read(path: String) throws -> [UInt8] {
        let descriptor = unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { throw StoreOpeningError(.missing, path) }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0, status.st_mode & 0o077 == 0 else {
            throw StoreOpeningError(.unavailable, "\(path) must be readable by its owner only (0600)")
        }
        var key = [UInt8](repeating: 0, count: SQLiteStore.auditKeySize + 1)
        let count = unsafe key.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress, $0.count) }
        guard count == SQLiteStore.auditKeySize else {
            throw StoreOpeningError(.corrupt, "\(path) must hold \(SQLiteStore.auditKeySize) bytes")
        }
        return Array(key.prefix(SQLiteStore.auditKeySize))
    }
}

internal import Glibc

/// The kernel's measurement list, which only grows within a boot. The file stays open, so that asking again costs what was
/// added since: the kernel makes up the bytes anew for each reader (`binary_runtime_measurements`, Linux IMA).
package actor MeasurementListFile {
    /// In bytes; what lies behind is not read.
    package static let limit = 64 << 20
    private static let pieceSize = 64 << 10

    private let path: String
    private var file: FileDescriptor?
    private var position = 0

    package init(path: String) { self.path = path }

    /// A list that reached from `offset` to `end` when it was read.
    package struct Stretch: Hashable, Sendable {
        package var offset: Int
        package var end: Int
        /// All of it, or nothing where it is longer than was asked for.
        package var bytes: [UInt8]

        package init(offset: Int, end: Int, bytes: [UInt8]) {
            self.offset = offset
            self.end = end
            self.bytes = bytes
        }
    }

    /// Reads to the list's present end.
    ///
    /// - Parameters:
    ///   - offset: where to begin; a list that does not reach so far is another boot's, and is given from its beginning.
    ///   - inlineLimit: bytes that are kept; those of a longer stretch are left to ``read(_:)``.
    /// - Throws: ``EnvironmentError`` with the code `logSource`, as ``EvidenceSource/read(_:limit:)`` does.
    package func stretch(from offset: Int, inlineLimit: Int) throws(EnvironmentError) -> Stretch {
        let start = try seek(to: offset) ? offset : 0
        if start != offset { _ = try seek(to: 0) }
        var bytes: [UInt8] = []
        var isLonger = false
        while position <= Self.limit {
            let piece = try next(Self.pieceSize)
            if piece.isEmpty { break }
            isLonger = isLonger || bytes.count + piece.count > inlineLimit
            if isLonger { bytes = [] } else { bytes += piece }
        }
        return Stretch(offset: start, end: position, bytes: bytes)
    }

    /// Bytes of the list, whatever was read before.
    ///
    /// - Throws: ``EnvironmentError`` with the code `logSource`, also where the list ends before.
    package func read(_ range: Range<Int>) throws(EnvironmentError) -> [UInt8] {
        var bytes: [UInt8] = []
        guard try seek(to: range.lowerBound) else { throw refuse("it got shorter") }
        while bytes.count < range.count {
            let piece = try next(min(Self.pieceSize, range.count - bytes.count))
            guard !piece.isEmpty else { throw refuse("it got shorter") }
            bytes += piece
        }
        return bytes
    }

    /// - Returns: false where the list ends before.
    private func seek(to offset: Int) throws(EnvironmentError) -> Bool {
        if file == nil || position > offset { try open() }
        while position < offset {
            if try next(min(Self.pieceSize, offset - position)).isEmpty { return false }
        }
        return true
    }

    private func open() throws(EnvironmentError) {
        position = 0
        do throws(SystemError) {
            let opened = try FileDescriptor.open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)
            guard try opened.status().st_mode & S_IFMT == S_IFREG else { throw SystemError(EINVAL) }
            file = consume opened
        } catch {
            file = nil
            throw refuse(error.number == ELOOP ? "a symbolic link" : "\(error)")
        }
    }

    private func next(_ count: Int) throws(EnvironmentError) -> [UInt8] {
        let number = file?.number ?? -1
        do throws(SystemError) {
            let bytes = try FileDescriptor.readNext(number, count)
            position += bytes.count
            return bytes
        } catch {
            file = nil
            throw refuse("\(error)")
        }
    }

    private func refuse(_ reason: String) -> EnvironmentError { EnvironmentError(.logSource, path: path, reason) }
}

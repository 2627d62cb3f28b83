import Glibc
import ReferenceValues
import TPMCryptography
import TPMStructures

/// The regular files below a folder, with the SHA-256 of each. Links are not followed: the kernel measures what they lead to
/// under its own path.
struct FileTree {
    /// Folders within folders: far beyond any system's.
    static let maximumDepth = 64
    static let maximumFiles = 1_000_000

    private(set) var lines: [ReferenceLine] = []
    /// Paths that could not be read, or that no document can name (not UTF-8).
    private(set) var skipped: [String] = []
    private var progress = Progress()

    /// - Parameter prefix: what the folder is called on the machine: empty for its root, else `/opt/app`.
    init(_ folder: String, prefix: String) throws {
        guard unsafe access(folder, R_OK | X_OK) == 0 else {
            throw Failure(.malformedInput, "\(folder): \(unsafe String(cString: strerror(errno)))")
        }
        try walk(folder, prefix, depth: 0)
    }

    private mutating func walk(_ folder: String, _ path: String, depth: Int) throws {
        guard depth < Self.maximumDepth else {
            throw Failure(.malformedInput, "\(folder): more than \(Self.maximumDepth) folders deep")
        }
        guard let directory = unsafe opendir(folder) else {
            skipped.append("\(folder): \(unsafe String(cString: strerror(errno)))")
            return
        }
        defer { unsafe _ = closedir(directory) }
        var entries: [(name: [UInt8], type: Int32)] = []
        while let entry = unsafe readdir(directory) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { raw in unsafe Array(raw.prefix { $0 != 0 }) }
            let type = unsafe Int32(entry.pointee.d_type)
            if name != [0x2E], name != [0x2E, 0x2E] { entries.append((name, type)) }
        }
        for (bytes, type) in entries.sorted(by: { $0.name.lexicographicallyPrecedes($1.name) }) {
            guard let name = String(validating: bytes, as: UTF8.self) else {
                skipped.append("\(folder)/\(String(decoding: bytes, as: UTF8.self)): the name is not UTF-8")
                continue
            }
            try add("\(folder)/\(name)", "\(path)/\(name)", type, depth)
        }
    }

    // File types of readdir(3).
    private static let unknown: Int32 = 0
    private static let folder: Int32 = 4
    private static let regular: Int32 = 8

    private mutating func add(_ file: String, _ path: String, _ type: Int32, _ depth: Int) throws {
        switch type {
        case Self.unknown: skipped.append("\(file): this file system does not say what it is")
        case Self.folder: try walk(file, path, depth: depth + 1)
        case Self.regular:
            guard lines.count < Self.maximumFiles else {
                throw Failure(.malformedInput, "\(file): more than \(Self.maximumFiles) files")
            }
            guard let digest = Self.digest(file) else {
                skipped.append("\(file): \(unsafe String(cString: strerror(errno)))")
                return
            }
            lines.append(ReferenceLine(digest: FileDigest(digest), path: Array(path.utf8)))
            progress.report { "\(lines.count) files" }
        default: return
        }
    }

    private static func digest(_ file: String) -> Digest? {
        let descriptor = unsafe open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: 1 << 17)
        var stream = DigestStream()
        while true {
            let count = unsafe read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { return nil }
            if count == 0 { return stream.digest }
            stream.update(buffer[..<count])
        }
    }
}

/// One line on standard error every two seconds, and only where a person watches.
struct Progress {
    private let start = ContinuousClock.now
    private var shown = Duration.zero

    mutating func report(_ text: () -> String) {
        let passed = ContinuousClock.now - start
        guard StandardError.isTerminal, passed - shown >= .seconds(2) else { return }
        shown = passed
        StandardError.write(text())
    }
}

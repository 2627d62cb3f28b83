internal import FoundationEssentials
internal import Glibc

/// Small files, whole. Secrets are made with mode 0600 and never replace anything.
enum FileAccess {
    /// More than any configuration, key or certificate file.
    static let largest = 4 * 1024 * 1024

    static func read(_ path: String) throws(FileProblem) -> [UInt8] {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileProblem.last(path) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = unsafe chunk.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw FileProblem.last(path) }
            if count == 0 { return bytes }
            guard bytes.count + count <= largest else {
                throw FileProblem(path: path, reason: "larger than \(largest) bytes")
            }
            bytes += chunk[..<count]
        }
    }

    static func text(_ path: String) throws(FileProblem) -> String {
        guard let text = String(validating: try read(path), as: UTF8.self) else {
            throw FileProblem(path: path, reason: "not UTF-8")
        }
        return text
    }

    /// As ``text(_:)``, for a key: refuses a file that others may read.
    static func secret(_ path: String) throws(FileProblem) -> String {
        guard let permissions = permissions(path) else { throw FileProblem.last(path) }
        guard permissions & 0o077 == 0 else {
            throw FileProblem(path: path, reason: "must be readable by its owner only (chmod 600)")
        }
        return try text(path)
    }

    /// Mode bits of what a path leads to; nil where there is nothing. By FileManager, because in release builds the
    /// members of `stat` belong to a module that cannot be imported.
    private static func permissions(_ path: String) -> Int? {
        guard let resolved = unsafe realpath(path, nil) else { return nil }
        defer { unsafe free(resolved) }
        let attributes = try? FileManager.default.attributesOfItem(atPath: unsafe String(cString: resolved))
        return attributes?[.posixPermissions] as? Int
    }

    /// Makes a new file; an existing one is an error.
    static func create(_ path: String, _ text: String, mode: mode_t) throws(FileProblem) {
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode)
        guard descriptor >= 0 else { throw FileProblem.last(path) }
        defer { close(descriptor) }
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw FileProblem.last(path) }
            rest = rest.dropFirst(count)
        }
        guard fsync(descriptor) == 0 else { throw FileProblem.last(path) }
    }

    static func makeDirectory(_ path: String) throws(FileProblem) {
        guard unsafe mkdir(path, 0o700) == 0 || errno == EEXIST else { throw FileProblem.last(path) }
    }

    static func exists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }

    static func rename(_ old: String, to new: String) throws(FileProblem) {
        guard unsafe Glibc.rename(old, new) == 0 else { throw FileProblem.last(new) }
    }

    /// Names in a directory with the suffix, sorted; empty where there is no directory.
    static func names(in directory: String, suffix: String) -> [String] {
        guard let handle = unsafe opendir(directory) else { return [] }
        defer { unsafe closedir(handle) }
        var names: [String] = []
        while let entry = unsafe readdir(handle) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe String(decoding: unsafe bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name.hasSuffix(suffix), !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted()
    }
}

struct FileProblem: Error, CustomStringConvertible {
    var path: String
    var reason: String
    var description: String { "\(path): \(reason)" }

    static func last(_ path: String) -> FileProblem {
        FileProblem(path: path, reason: unsafe String(cString: strerror(errno)))
    }
}

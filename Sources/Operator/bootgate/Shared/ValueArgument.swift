import ArgumentParser
import Glibc

/// A value given in place, as `@FILE`, or as `-` for standard input.
struct ValueArgument: ExpressibleByArgument {
    static let maxBytes = 64 << 20
    let argument: String

    init(argument: String) { self.argument = argument }

    func read() throws -> [UInt8] {
        if argument == "-" { return try InputFile.read(descriptor: STDIN_FILENO, name: "standard input") }
        guard argument.hasPrefix("@") else { return Array(argument.utf8) }
        return try InputFile.read(path: String(argument.dropFirst()))
    }
}

enum InputFile {
    /// Reads a whole file of at most ``ValueArgument/maxBytes``.
    static func read(path: String) throws -> [UInt8] {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw Failure(.malformedInput, "\(path): \(unsafe String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        return try read(descriptor: descriptor, name: path)
    }

    static func read(descriptor: Int32, name: String) throws -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = unsafe buffer.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else {
                throw Failure(.malformedInput, "\(name): \(unsafe String(cString: strerror(errno)))")
            }
            if count == 0 { return bytes }
            bytes.append(contentsOf: buffer[..<count])
            guard bytes.count <= ValueArgument.maxBytes else {
                throw Failure(.malformedInput, "\(name): over \(ValueArgument.maxBytes) bytes")
            }
        }
    }
}

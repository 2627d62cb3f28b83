import Glibc
import Synchronization

/// What a finished child left behind.
public struct ProcessResult: Sendable {
    /// Exit status, or 128 + the signal that ended it.
    public let status: Int32
    public let stdout: [UInt8]
    public let stderr: [UInt8]
    public var succeeded: Bool { status == 0 }
    public var text: String { String(decoding: stdout, as: UTF8.self) }
    public var errorText: String { String(decoding: stderr, as: UTF8.self) }
}

public enum ProcessError: Error, CustomStringConvertible {
    case notStarted(executable: String, errno: Int32)
    case timedOut(command: [String], stdout: String, stderr: String)
    case failed(command: [String], status: Int32, stdout: String, stderr: String)
    case system(call: String, errno: Int32)

    public var description: String {
        switch self {
        case .notStarted(let executable, let number):
            "\(executable) did not start: \(String(cString: strerror(number)))"
        case .timedOut(let command, let stdout, let stderr): "timed out: \(command) \(stdout) \(stderr)"
        case .failed(let command, let status, let stdout, let stderr): "exit \(status): \(command) \(stdout) \(stderr)"
        case .system(let call, let number): "\(call): \(String(cString: strerror(number)))"
        }
    }
}

/// Runs a program to its end, blocking the caller, and gives what it wrote. Kills its process group at the deadline.
///
/// - Parameters:
///   - executable: a path, or a name looked up in `PATH`.
///   - environment: added to the caller's own.
///   - timeoutSeconds: generous, because tests share a loaded machine; reaching it throws.
public func runProcess(
    _ executable: String, _ arguments: [String] = [], environment: [String: String] = [:], input: [UInt8] = [],
    workingDirectory: String? = nil, timeoutSeconds: Int = 120
) throws -> ProcessResult {
    let standardInput = try Pipe()
    let standardOutput = try Pipe()
    let standardError = try Pipe()
    let pid = try spawn(
        executable, arguments, environment: environment, workingDirectory: workingDirectory,
        standardStreams: [standardInput.readEnd, standardOutput.writeEnd, standardError.writeEnd])
    standardInput.closeReadEnd()
    standardOutput.closeWriteEnd()
    standardError.closeWriteEnd()

    let deadline = monotonicSeconds() + timeoutSeconds
    var output: [UInt8] = []
    var errors: [UInt8] = []
    var pending = input[...]
    if pending.isEmpty { standardInput.closeWriteEnd() }
    var status: Int32?
    var openOutput = true
    var openError = true
    // A grandchild may keep the pipes open after the child has ended: then what has arrived is the output.
    while openOutput || openError || status == nil {
        var events = [
            pollfd(fd: openOutput ? standardOutput.readEnd : -1, events: Int16(POLLIN), revents: 0),
            pollfd(fd: openError ? standardError.readEnd : -1, events: Int16(POLLIN), revents: 0),
            pollfd(fd: pending.isEmpty ? -1 : standardInput.writeEnd, events: Int16(POLLOUT), revents: 0),
        ]
        let ready = poll(&events, 3, 20)
        if ready > 0 {
            if events[0].revents != 0 { openOutput = readAvailable(standardOutput.readEnd, &output) }
            if events[1].revents != 0 { openError = readAvailable(standardError.readEnd, &errors) }
            if events[2].revents != 0, !writeAvailable(standardInput.writeEnd, &pending) || pending.isEmpty {
                pending = []
                standardInput.closeWriteEnd()
            }
            continue
        }
        if status == nil {
            status = reap(pid, waiting: false)
        } else {
            break
        }
        if status == nil, monotonicSeconds() >= deadline {
            kill(-pid, SIGKILL)
            kill(pid, SIGKILL)
            _ = reap(pid, waiting: true)
            throw ProcessError.timedOut(
                command: [executable] + arguments, stdout: String(decoding: output, as: UTF8.self),
                stderr: String(decoding: errors, as: UTF8.self))
        }
    }
    return ProcessResult(status: status ?? -1, stdout: output, stderr: errors)
}

/// As ``runProcess(_:_:environment:input:workingDirectory:timeoutSeconds:)``, but any status other than 0 throws.
@discardableResult
public func runProcessSuccessfully(
    _ executable: String, _ arguments: [String] = [], environment: [String: String] = [:], input: [UInt8] = [],
    workingDirectory: String? = nil, timeoutSeconds: Int = 120
) throws -> ProcessResult {
    let result = try runProcess(
        executable, arguments, environment: environment, input: input, workingDirectory: workingDirectory,
        timeoutSeconds: timeoutSeconds)
    guard result.succeeded else {
        throw ProcessError.failed(
            command: [executable] + arguments, status: result.status, stdout: result.text, stderr: result.errorText)
    }
    return result
}

/// Whether a program of this name is in `PATH`.
public func isInstalled(_ program: String) -> Bool {
    let path = getenv("PATH").map { String(cString: $0) } ?? "/usr/sbin:/usr/bin:/sbin:/bin"
    return (path.split(separator: ":").map(String.init) + ["/usr/sbin", "/sbin"]).contains {
        access("\($0)/\(program)", X_OK) == 0
    }
}

func monotonicSeconds() -> Int {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return time.tv_sec
}

/// Held while a descriptor exists that is not yet closed on exec, and while a child is spawned.
let spawnLock = Mutex(())

func closeOnExec(_ descriptor: Int32) { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }

/// A pair of descriptors that no other child inherits, closed with the owner.
final class Pipe {
    private(set) var readEnd: Int32
    private(set) var writeEnd: Int32

    init() throws {
        var ends: [Int32] = [-1, -1]
        // pipe2 is not in Swift's Glibc: the lock keeps other children from inheriting the ends meanwhile.
        let result = spawnLock.withLock { _ in
            guard pipe(&ends) == 0 else { return false }
            closeOnExec(ends[0])
            closeOnExec(ends[1])
            return true
        }
        guard result else { throw ProcessError.system(call: "pipe", errno: errno) }
        (readEnd, writeEnd) = (ends[0], ends[1])
    }

    func closeReadEnd() {
        if readEnd >= 0 { close(readEnd) }
        readEnd = -1
    }

    func closeWriteEnd() {
        if writeEnd >= 0 { close(writeEnd) }
        writeEnd = -1
    }

    deinit {
        closeReadEnd()
        closeWriteEnd()
    }
}

/// - Returns: false at the end of the stream.
private func readAvailable(_ descriptor: Int32, _ bytes: inout [UInt8]) -> Bool {
    var chunk = [UInt8](repeating: 0, count: 65_536)
    let count = read(descriptor, &chunk, chunk.count)
    guard count > 0 else { return count < 0 && errno == EINTR }
    bytes += chunk[..<count]
    return true
}

/// - Returns: false when the child reads no more.
private func writeAvailable(_ descriptor: Int32, _ bytes: inout ArraySlice<UInt8>) -> Bool {
    // At most what a pipe takes at once, so that a slow child cannot block the writer for long.
    let chunk = Array(bytes.prefix(4_096))
    let count = write(descriptor, chunk, chunk.count)
    guard count > 0 else { return count < 0 && errno == EINTR }
    bytes = bytes.dropFirst(count)
    return true
}

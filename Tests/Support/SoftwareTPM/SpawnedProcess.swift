import Glibc
import Synchronization

/// A program that runs beside the test until it is stopped or its owner is gone.
public final class SpawnedProcess: Sendable {
    public let pid: Int32
    private let status = Mutex<Int32?>(nil)

    /// - Parameters:
    ///   - outputPath: file that takes stdout and stderr; `/dev/null` when nil.
    public init(
        _ executable: String, _ arguments: [String] = [], environment: [String: String] = [:],
        outputPath: String? = nil, workingDirectory: String? = nil
    ) throws {
        let null = open("/dev/null", O_RDWR | O_CLOEXEC)
        let output = open(outputPath ?? "/dev/null", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        defer {
            close(null)
            close(output)
        }
        guard null >= 0, output >= 0 else { throw ProcessError.system(call: "open", errno: errno) }
        pid = try spawn(
            executable, arguments, environment: environment, workingDirectory: workingDirectory,
            standardStreams: [null, output, output])
    }

    /// Nil while it runs.
    public var exitStatus: Int32? {
        status.withLock { status in
            if status == nil { status = reap(pid, waiting: false) }
            return status
        }
    }
    public var isRunning: Bool { exitStatus == nil }

    public func signal(_ number: Int32) {
        // Under the lock, so that the process id cannot have been given to another process meanwhile.
        status.withLock { status in
            if status == nil { kill(pid, number) }
        }
    }

    /// Ends it: SIGTERM (or SIGKILL at once), and SIGKILL after the grace. Gives the exit status.
    @discardableResult
    public func stop(atOnce: Bool = false, graceSeconds: Int = 20) -> Int32 {
        signal(atOnce ? SIGKILL : SIGTERM)
        let deadline = monotonicSeconds() + graceSeconds
        while !atOnce, isRunning {
            guard monotonicSeconds() < deadline else {
                signal(SIGKILL)
                break
            }
            usleep(5_000)
        }
        return status.withLock { status in
            let ended = status ?? reap(pid, waiting: true) ?? -1
            status = ended
            return ended
        }
    }

    deinit { stop(atOnce: true) }
}

/// - Returns: exit status or 128 + signal; nil while it runs.
func reap(_ pid: Int32, waiting: Bool) -> Int32? {
    var status: Int32 = 0
    var result = waitpid(pid, &status, waiting ? 0 : WNOHANG)
    while result < 0, errno == EINTR { result = waitpid(pid, &status, waiting ? 0 : WNOHANG) }
    guard result == pid else { return result == 0 ? nil : -1 }
    return status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + (status & 0x7F)
}

/// posix_spawn with an empty signal mask: a child of a Dispatch thread would inherit blocked signals and never see
/// SIGTERM (stack.md, section 7).
func spawn(
    _ executable: String, _ arguments: [String], environment: [String: String], workingDirectory: String?,
    standardStreams: [Int32]
) throws -> Int32 {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    for (number, descriptor) in standardStreams.enumerated() {
        posix_spawn_file_actions_adddup2(&actions, descriptor, Int32(number))
    }
    // tpm2-tss opens its sockets without close-on-exec: a child that held one would keep an swtpm from its next client.
    _ = closeFromThree?(&actions, 3)

    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var empty = sigset_t()
    sigemptyset(&empty)
    var all = sigset_t()
    sigemptyset(&all)
    for number in [SIGPIPE, SIGTERM, SIGINT, SIGHUP] { sigaddset(&all, number) }
    posix_spawnattr_setsigmask(&attributes, &empty)
    posix_spawnattr_setsigdefault(&attributes, &all)
    posix_spawnattr_setpgroup(&attributes, 0)
    posix_spawnattr_setflags(
        &attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP))

    var variables: [String: String] = [:]
    var entry = environ
    while let text = entry.pointee {
        let parts = String(cString: text).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        if parts.count == 2 { variables[String(parts[0])] = String(parts[1]) }
        entry += 1
    }
    variables.merge(environment) { $1 }

    // env(1) changes the folder and becomes the program: posix_spawn's own way is not in Swift's Glibc.
    let command = (workingDirectory.map { ["env", "-C", $0] } ?? []) + [executable] + arguments
    var argumentPointers = command.map { strdup($0) } + [nil]
    var environmentPointers = variables.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer {
        for pointer in argumentPointers + environmentPointers { free(pointer) }
    }
    var pid: pid_t = 0
    let result = spawnLock.withLock { _ in
        posix_spawnp(&pid, command[0], &actions, &attributes, &argumentPointers, &environmentPointers)
    }
    guard result == 0 else { throw ProcessError.notStarted(executable: executable, errno: result) }
    return pid
}

/// posix_spawn_file_actions_addclosefrom_np of glibc 2.34, which Swift's Glibc does not show.
private let closeFromThree: (@convention(c) (UnsafeMutablePointer<posix_spawn_file_actions_t>, Int32) -> Int32)? =
    dlsym(nil, "posix_spawn_file_actions_addclosefrom_np").map {
        unsafeBitCast(
            $0, to: (@convention(c) (UnsafeMutablePointer<posix_spawn_file_actions_t>, Int32) -> Int32).self)
    }

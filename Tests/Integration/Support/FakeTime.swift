import Glibc
import SoftwareTPM

/// Makes the wall clock of other processes wrong (libfaketime); their monotonic clocks are left alone.
final class FakeTime {
    private let folder: TemporaryDirectory
    private let library: String
    /// `faketime` makes the shared memory that the library looks for. Where the library has to make it itself, it sets a
    /// variable before `main`, and a Swift program then finds no arguments.
    private let keeper: SpawnedProcess

    /// - Parameter folder: takes the file that ``set(_:)`` writes.
    init(folder: TemporaryDirectory) throws {
        self.folder = folder
        let listed = try runProcessSuccessfully("dpkg", ["-L", "libfaketime"]).text
        guard let path = listed.split(separator: "\n").first(where: { $0.hasSuffix("/libfaketime.so.1") }) else {
            throw LaboratoryError("libfaketime is not installed (Tools/test installs it)")
        }
        library = String(path)
        keeper = try SpawnedProcess("faketime", ["-f", "+0", "sleep", "3600"])
        let deadline = ContinuousClock.now + .seconds(60)
        while access(Self.shared[0] + String(keeper.pid), F_OK) != 0
            || access(Self.shared[1] + String(keeper.pid), F_OK) != 0
        {
            guard keeper.isRunning, ContinuousClock.now < deadline else {
                throw LaboratoryError("faketime did not start")
            }
            usleep(2_000)
        }
    }

    private static let shared = ["/dev/shm/sem.faketime_sem_", "/dev/shm/faketime_shm_"]

    deinit {
        // The keeper's own group: itself and its child.
        kill(-keeper.pid, SIGKILL)
        for file in Self.shared { unlink(file + String(keeper.pid)) }
    }

    private var common: [String: String] {
        [
            "LD_PRELOAD": library, "FAKETIME_SHARED": "/faketime_sem_\(keeper.pid) /faketime_shm_\(keeper.pid)",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1",
        ]
    }

    /// For a process whose clock is off all its life.
    func environment(_ offset: String) -> [String: String] { common.merging(["FAKETIME": offset]) { $1 } }

    /// For a process whose clock jumps with each ``set(_:)``.
    var following: [String: String] {
        common.merging(["FAKETIME_TIMESTAMP_FILE": folder.file("wall-clock"), "FAKETIME_NO_CACHE": "1"]) { $1 }
    }

    func set(_ offset: String) throws { try folder.write(Array(offset.utf8), to: "wall-clock") }
}

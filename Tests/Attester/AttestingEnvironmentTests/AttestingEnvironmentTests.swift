import AttestingEnvironment
import Foundation
import SoftwareTPM
import Testing

@Suite("Evidence sources")
struct EvidenceSourceTests {
    @Test("A regular file is read whole, up to its limit and not a byte further")
    func regularFile() throws {
        let folder = try TemporaryDirectory()
        let bytes = (0..<200_000).map { UInt8(truncatingIfNeeded: $0) }
        let path = try folder.write(bytes, to: "log")
        #expect(try EvidenceSource.read(path) == bytes)
        #expect(try EvidenceSource.read(path, limit: bytes.count) == bytes)
        let error = #expect(throws: EnvironmentError.self) { try EvidenceSource.read(path, limit: bytes.count - 1) }
        #expect(error?.code.rawValue == "AGENT_LOG_SOURCE")
        #expect(try EvidenceSource.read(try folder.write([UInt8](), to: "empty"), limit: 0) == [])
    }

    @Test(
        "AG-03: a link, FIFO, device, directory, huge or missing file is refused with AGENT_LOG_SOURCE and hangs nothing"
    )
    func strangeFiles() throws {
        let folder = try TemporaryDirectory()
        let log = try folder.write([1], to: "log")
        #expect(symlink(log, folder.file("link")) == 0)
        #expect(mkfifo(folder.file("fifo"), 0o600) == 0)
        let sparse = open(folder.file("sparse"), O_CREAT | O_WRONLY, 0o600)
        #expect(ftruncate(sparse, 1 << 30) == 0)
        close(sparse)
        let paths =
            ["link", "fifo", "sparse", "absent"].map(folder.file) + [
                folder.path, "/dev/zero", "/dev/null", log + "/below",
            ]
        for path in paths {
            let error = #expect(throws: EnvironmentError.self, "\(path)") { try EvidenceSource.read(path) }
            #expect(error?.code == .logSource)
        }
    }

    @Test("AG-03: a file that claims no size, like those of securityfs, is read and bounded all the same")
    func sizelessFile() throws {
        #expect(try !EvidenceSource.read("/proc/self/status").isEmpty)
        #expect(throws: EnvironmentError.self) { try EvidenceSource.read("/proc/self/status", limit: 16) }
    }

    @Test("SMBIOS strings lose control characters and absent ones are nil")
    func machineIdentity() throws {
        let folder = try TemporaryDirectory()
        try folder.write("ACME\u{1B}[2J\n".utf8, to: "sys_vendor")
        try folder.write(String(repeating: "x", count: 500).utf8, to: "product_name")
        let identity = MachineIdentity.read(root: folder.path)
        #expect(identity.manufacturer == "ACME?[2J")
        #expect(identity.product?.count == MachineIdentity.maxLength)
        #expect(identity.serialNumber == nil)
    }

    @Test("The boot id is a UUID, and anything else is refused")
    func bootID() throws {
        #expect(try BootIdentity.read().utf8.count == 36)
        let folder = try TemporaryDirectory()
        #expect(throws: EnvironmentError.self) {
            try BootIdentity.read(path: try folder.write("not one\n".utf8, to: "id"))
        }
    }
}

@Suite("The state directory")
struct StateDirectoryTests {
    private func make(_ mode: Int = 0o700) throws -> TemporaryDirectory {
        let folder = try TemporaryDirectory()
        #expect(mkdir(folder.file("state"), 0o700) == 0)
        #expect(chmod(folder.file("state"), mode_t(mode)) == 0)
        return folder
    }

    @Test("An absent directory is made with mode 0700 and opens again")
    func made() throws {
        let folder = try TemporaryDirectory()
        for _ in 1...2 { _ = try StateDirectory.open(folder.file("state")) }
        var status = stat()
        #expect(stat(folder.file("state"), &status) == 0 && status.st_mode & 0o7777 == 0o700)
    }

    @Test("AG-07: a directory that others can enter is refused", arguments: [0o755, 0o750, 0o701, 0o1700, 0o770])
    func modes(mode: Int) throws {
        let folder = try make(mode)
        let error = #expect(throws: EnvironmentError.self) { try StateDirectory.open(folder.file("state")) }
        #expect(error?.code.rawValue == "AGENT_STATE_DIR")
    }

    @Test("AG-07: a link, a file, a relative path or another user's directory is refused")
    func strangeDirectories() throws {
        let folder = try make()
        #expect(symlink(folder.file("state"), folder.file("link")) == 0)
        let file = try folder.write([1], to: "file")
        var paths = [folder.file("link"), file, "state", "", folder.file("a/b")]
        if geteuid() == 0 {
            #expect(mkdir(folder.file("other"), 0o700) == 0 && chown(folder.file("other"), 12345, 12345) == 0)
            paths.append(folder.file("other"))
        }
        for path in paths {
            let error = #expect(throws: EnvironmentError.self, "\(path)") { try StateDirectory.open(path) }
            #expect(error?.code == .stateDirectory)
        }
    }

    @Test("A file is replaced whole with mode 0600, past what a killed writer left, and can be removed")
    func replaced() throws {
        let folder = try make()
        let state = try StateDirectory.open(folder.file("state"))
        #expect(try state.read("f") == nil)
        try folder.write([9, 9, 9], to: "state/.f.new")
        for bytes in [[UInt8](repeating: 7, count: 100_000), [1, 2], []] {
            try state.write("f", bytes)
            #expect(try state.read("f") == bytes)
        }
        var status = stat()
        #expect(stat(folder.file("state/f"), &status) == 0 && status.st_mode & 0o7777 == 0o600)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.file("state")) == ["f"])
        try state.remove("f")
        try state.remove("f")
        #expect(try state.read("f") == nil)
    }

    @Test("AG-07: a state file that is a link, a FIFO or too long is refused")
    func strangeFiles() throws {
        let folder = try make()
        let state = try StateDirectory.open(folder.file("state"))
        #expect(symlink("/etc/passwd", folder.file("state/link")) == 0)
        #expect(mkfifo(folder.file("state/fifo"), 0o600) == 0)
        try state.write("long", [UInt8](repeating: 0, count: 11))
        for name in ["link", "fifo", "long"] {
            #expect(throws: EnvironmentError.self) { try state.read(name, limit: 10) }
        }
    }

    @Test("A second agent does not get the lock, and gets it when the first is gone")
    func lock() throws {
        let folder = try make()
        let state = try StateDirectory.open(folder.file("state"))
        do {
            let lock = try state.lock()
            #expect(throws: EnvironmentError.self) { _ = try StateDirectory.open(folder.file("state")).lock() }
            withExtendedLifetime(lock) {}
        }
        _ = try state.lock()
    }
}

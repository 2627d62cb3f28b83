import AttestingEnvironment
import Foundation
import SoftwareTPM
import Testing

@Suite("The directory that the agent shows to others")
struct PublicDirectoryTests {
    @Test("A file is made readable for all whatever the umask, replaced whole, and nothing else is left")
    func written() throws {
        let folder = try TemporaryDirectory()
        let directory = PublicDirectory(folder.file("run"))
        #expect(try directory.read("f") == nil)
        let mask = umask(0o077)
        defer { umask(mask) }
        for bytes in [[UInt8](repeating: 7, count: 100_000), [1, 2]] {
            try directory.write("f", bytes)
            #expect(try directory.read("f") == bytes)
        }
        var status = stat()
        #expect(stat(folder.file("run/f"), &status) == 0 && status.st_mode & 0o7777 == 0o644)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.file("run")) == ["f"])
        #expect(try directory.read("absent") == nil)
        #expect(throws: EnvironmentError.self) { try directory.read("f", limit: 1) }
    }

    @Test(
        "AG-07: where others may write, nothing is believed and nothing is written", arguments: [0o777, 0o775, 0o757])
    func writable(mode: Int) throws {
        let folder = try TemporaryDirectory()
        let directory = PublicDirectory(folder.file("run"))
        try directory.write("f", [1])
        #expect(chmod(folder.file("run"), mode_t(mode)) == 0)
        #expect(throws: EnvironmentError.self) { try directory.read("f") }
        #expect(throws: EnvironmentError.self) { try directory.write("f", [2]) }
    }

    @Test("AG-07: links, other kinds of files, and files that others may write or own are not believed")
    func strangeFiles() throws {
        let folder = try TemporaryDirectory()
        let directory = PublicDirectory(folder.file("run"))
        try directory.write("good", [1])
        #expect(symlink(folder.file("run/good"), folder.file("run/link")) == 0)
        #expect(symlink(folder.file("run"), folder.file("other")) == 0)
        #expect(mkfifo(folder.file("run/fifo"), 0o644) == 0)
        try folder.write([1], to: "run/loose")
        #expect(chmod(folder.file("run/loose"), 0o666) == 0)
        var names = ["link", "fifo", "loose"]
        if geteuid() == 0 {
            try folder.write([1], to: "run/foreign")
            #expect(
                chmod(folder.file("run/foreign"), 0o644) == 0 && chown(folder.file("run/foreign"), 12345, 12345) == 0)
            names.append("foreign")
        }
        for name in names {
            #expect(throws: EnvironmentError.self, "\(name)") { try directory.read(name) }
        }
        #expect(throws: EnvironmentError.self) { try PublicDirectory(folder.file("other")).read("good") }
        #expect(try directory.read("good") == [1])
    }
}

@Suite("Mounts over the state directory")
struct MountTableTests {
    private let table = MountTable(
        """
        1 0 253:1 / / rw,relatime - ext4 /dev/vda1 rw
        2 1 253:1 /var/lib/bootgate-agent /var/lib/bootgate-agent rw - ext4 /dev/vda1 rw
        3 1 253:1 /tmp/evil /var/lib/bootgate-agent rw - ext4 /dev/vda1 rw
        4 1 0:30 / /var/lib/bootgate-agent rw - tmpfs tmpfs rw
        5 1 253:1 /var/lib/a\\040b /var/lib/a\\040b rw - ext4 /dev/vda1 rw
        6 1 253:2 /@var /var rw - btrfs /dev/vda2 rw
        7 6 253:2 /@var/lib/bootgate-agent /var/lib/bootgate-agent rw - btrfs /dev/vda2 rw
        8 6 253:2 /lib/bootgate-agent /var/lib/bootgate-agent rw - btrfs /dev/vda2 rw
        """)

    @Test("AG-07: a bind mount of the directory onto itself, as systemd makes them, shows nothing else")
    func transparent() {
        #expect(table.isTransparent(2, over: 1))
        #expect(table.isTransparent(5, over: 1))
        #expect(table.isTransparent(7, over: 6))
    }

    @Test(
        "AG-07: another directory, another file system, another subvolume, and an unknown mount do",
        arguments: [(3, 1), (4, 1), (8, 6), (2, 6), (99, 1), (2, 99)])
    func opaque(id: Int, parent: Int) { #expect(!table.isTransparent(id, over: parent)) }

    @Test(
        "AG-07: the state directory is refused under a foreign bind mount, and opened under one of itself",
        .enabled(if: geteuid() == 0, "needs the right to mount"))
    func mounted() throws {
        let folder = try TemporaryDirectory()
        for name in ["state", "evil"] { #expect(mkdir(folder.file(name), 0o700) == 0) }
        let state = folder.file("state")
        func opens() -> Bool { (try? StateDirectory.open(state)) != nil }
        #expect(opens())
        for (source, expected) in [(state, true), (folder.file("evil"), false)] {
            let mounted = try runProcess("mount", ["--bind", source, state])
            guard mounted.succeeded else { return }  // A container may forbid mounts; the table's tests remain.
            defer { _ = try? runProcess("umount", [state]) }
            #expect(opens() == expected, "\(source)")
        }
        #expect(opens())
    }
}

import AssetFingerprints
import Glibc
import HostInventory
import SoftwareTPM
import Testing

/// Collectors over a laid-out root.
@Suite("Collectors over a folder")
struct CollectorTests {
    let directory: TemporaryDirectory
    var inventory: HostInventory { HostInventory(root: directory.path) }

    init() throws {
        directory = try TemporaryDirectory()
        for folder in [
            "etc", "etc/sudoers.d", "proc", "proc/net", "proc/1", "proc/1/fd", "proc/2", "var", "var/lib",
            "var/lib/dpkg",
        ] { mkdir(directory.file(folder), 0o755) }
        try directory.write(
            """
            root:x:0:0:root:/root:/bin/bash
            svc:x:100:65534::/run/svc:/usr/sbin/nologin
            second:x:100:1::/:/bin/sh
            # comment:x:1:1::/:/bin/sh
            +::::::
            broken:x:abc:1::/:/bin/sh
            short:x:1
            """.utf8, to: "etc/passwd")
        try directory.write("root:x:0:\nsudo:x:27:zoe,adam,zoe\n+:::\n".utf8, to: "etc/group")
    }

    @Test("Users and groups are those that glibc takes; other lines are left out")
    func accounts() throws {
        #expect(
            try keys(.accounts) == ["group/root", "group/sudo", "user/root", "user/second", "user/svc"])
        let report = try inventory.collect(.accounts)
        #expect(report.keyedLines.contains { $0.line.contains("\"members\":[\"adam\",\"zoe\"]") })
    }

    @Test("Sudo rules come from all included files, joined and without comments")
    func sudo() throws {
        try directory.write(
            """
            # a comment
            Defaults   secure_path="/usr/bin:  /bin"   # and a comment
            %sudo\tALL=(ALL:ALL) \\
                ALL
            #1000 ALL = NOPASSWD: /bin/true
            @includedir /etc/sudoers.d
            #include extra
            @include /etc/sudoers
            """.utf8, to: "etc/sudoers")
        try directory.write("extra ALL=ALL\n".utf8, to: "etc/extra")
        try directory.write("svc ALL=ALL".utf8, to: "etc/sudoers.d/svc")
        for skipped in ["x.dpkg-old", "backup~"] {
            try directory.write("no ALL=ALL\n".utf8, to: "etc/sudoers.d/\(skipped)")
        }
        let rules = try keys(.accounts).filter { $0.hasPrefix("sudo/") }
        #expect(
            rules == [
                "sudo//etc/extra/extra ALL=ALL", "sudo//etc/sudoers.d/svc/svc ALL=ALL",
                "sudo//etc/sudoers/#1000 ALL = NOPASSWD: /bin/true", "sudo//etc/sudoers/%sudo ALL=(ALL:ALL) ALL",
                "sudo//etc/sudoers/Defaults secure_path=\"/usr/bin:  /bin\"",
            ])
    }

    @Test("An include chain without an end is refused")
    func includeDepth() throws {
        for number in 0..<20 {
            try directory.write(
                "@include /etc/s\(number + 1)\n".utf8, to: number == 0 ? "etc/sudoers" : "etc/s\(number)")
        }
        #expect(throws: HostInventoryError.self) { try inventory.collect(.accounts) }
    }

    @Test("A missing account file is an error and not an empty report")
    func missingPasswd() throws {
        unlink(directory.file("etc/passwd"))
        #expect(throws: HostInventoryError.unreadable(path: "/etc/passwd", errno: ENOENT)) {
            try inventory.collect(.accounts)
        }
        #expect(throws: HostInventoryError.self) { try inventory.collect(.runningProcesses) }
    }

    @Test("Packages with files on the disk are listed, the last paragraph too")
    func packages() throws {
        try directory.write(
            """
            Package: bash
            Status: install ok installed
            Architecture: amd64
            Version: 5.2
            Description: shell
             Version: 9.9
             Status: deinstall ok config-files

            Package: gone
            Status: deinstall ok config-files
            Architecture: amd64
            Version: 1

            Package: half
            Status: install ok half-configured
            Architecture: all
            Version: 2
            """.utf8, to: "var/lib/dpkg/status")
        let report = try inventory.collect(.softwareAssets)
        #expect(report.keyedLines.map(\.key) == ["bash:amd64", "half:all"])
        #expect(report.keyedLines[0].line.contains("\"version\":\"5.2\""))
    }

    @Test("No dpkg database gives an empty report")
    func noPackages() throws { #expect(try keys(.softwareAssets).isEmpty) }

    @Test("Endless lines are cut and do not hide what follows")
    func longLines() throws {
        let long = String(repeating: "x", count: 100_000)
        try directory.write(
            ("Package: a\nStatus: install ok installed\nArchitecture: all\nVersion: 1\nDescription: \(long)\n\n"
                + "Package: b\nStatus: install ok installed\nArchitecture: all\nVersion: 1\n").utf8,
            to: "var/lib/dpkg/status")
        #expect(try keys(.softwareAssets) == ["a:all", "b:all"])
    }

    @Test("Listening sockets get their owner, user and addresses; others are left out")
    func sockets() throws {
        let head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
        let tail = "00000000:00000000 00:00000000 00000000"
        try directory.write(
            (head + "   0: 0100007F:0016 00000000:0000 0A \(tail)   100        0 77 1 0\n"
                + "   1: 0100007F:1F90 0100007F:0016 01 \(tail)     0        0 78 1 0\n"
                + "garbage\n   2: 0100007F:XX 00000000:0000 0A \(tail) 0 0 79\n").utf8, to: "proc/net/tcp")
        try directory.write(
            (head + "   0: 000080FE00000000FF005450AB0012FE:0035 00000000000000000000000000000000:0000 07 \(tail) "
                + "4242        0 80 1 0\n").utf8, to: "proc/net/udp6")
        try directory.write("Name:\tsvcd\nUid:\t100\t0\t100\t100\n".utf8, to: "proc/1/status")
        symlink("/usr/sbin/svcd", directory.file("proc/1/exe"))
        symlink("socket:[77]", directory.file("proc/1/fd/3"))
        symlink("socket:[99]", directory.file("proc/1/fd/4"))
        let report = try inventory.collect(.listeningPorts)
        guard case .listeningPorts(let ports) = report.entries else { return #expect(Bool(false)) }
        #expect(
            ports == [
                ListeningPort(
                    protocol: .tcp, address: "127.0.0.1", port: 22, process: "svcd", executable: "/usr/sbin/svcd",
                    user: "svc"),
                ListeningPort(
                    protocol: .udp, address: "fe80::5054:ff:fe12:ab", port: 53, process: "", executable: "",
                    user: "4242"),
            ])
    }

    @Test("Processes are listed by executable and effective user; kernel threads are not")
    func processes() throws {
        try directory.write("Name:\tsvcd\nUid:\t100\t0\t100\t100\n".utf8, to: "proc/1/status")
        symlink("/usr/sbin/svcd (deleted)", directory.file("proc/1/exe"))
        try directory.write("Name:\tkworker\nUid:\t0\t0\t0\t0\n".utf8, to: "proc/2/status")
        #expect(try keys(.runningProcesses) == ["/usr/sbin/svcd (deleted) as root"])
    }

    private func keys(_ kind: FingerprintKind) throws -> [String] {
        try inventory.collect(kind).keyedLines.map(\.key).sorted()
    }
}

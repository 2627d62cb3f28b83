import AssetFingerprints
import Glibc
import HostInventory
import SoftwareTPM
import Testing

/// The four reports against what the machine's own tools say, while the test changes what they report. Other programs come
/// and go meanwhile, so each comparison looks before and after: what was there both times must be reported, and what is
/// reported must have been there at one of them.
@Suite("Reports of this machine", .serialized)
struct LiveMachineTests {
    static let isRoot = geteuid() == 0
    static let canListSockets = isRoot && isInstalled("ss")
    static let canAddUsers = isRoot && isInstalled("useradd") && isInstalled("userdel") && isInstalled("getent")

    @Test(
        "Listening ports agree with ss while the test opens listeners",
        .enabled(if: canListSockets, "needs root and ss (iproute2)"))
    func listeningPorts() throws {
        let tcp = try Listener(SOCK_STREAM, AF_INET)
        let tcp6 = try Listener(SOCK_STREAM, AF_INET6)
        let udp = try Listener(SOCK_DGRAM, AF_INET)
        try agree(reading: socketsOfSS) {
            guard case .listeningPorts(let ports) = try HostInventory().collect(.listeningPorts).entries else {
                return []
            }
            for listener in [tcp, tcp6, udp] {
                let own = ports.filter { $0.port == listener.port && $0.protocol == listener.transport }
                #expect(own.contains { $0.executable.contains("/") && $0.user == "root" && !$0.process.isEmpty })
            }
            return Set(ports.map { "\($0.protocol.rawValue) \($0.address) \($0.port)" })
        }
    }

    @Test(
        "Software assets agree with dpkg-query",
        .enabled(if: isInstalled("dpkg-query"), "needs dpkg-query"))
    func softwareAssets() throws {
        try agree(reading: {
            let text = try runProcessSuccessfully(
                "dpkg-query", ["-W", "-f", "${db:Status-Status} ${Package} ${Version} ${Architecture}\n"]
            ).text
            return Set(
                text.split(separator: "\n").compactMap { line in
                    let words = line.split(separator: " ", maxSplits: 1)
                    return ["not-installed", "config-files"].contains(words[0]) ? nil : String(words[1])
                })
        }) {
            guard case .softwareAssets(let assets) = try HostInventory().collect(.softwareAssets).entries else {
                return []
            }
            #expect(assets.count > 50)
            return Set(assets.map { "\($0.name) \($0.version) \($0.architecture)" })
        }
    }

    @Test(
        "Running processes agree with /proc while the test runs one",
        .enabled(if: isRoot && isInstalled("find"), "needs root and find (findutils)"))
    func runningProcesses() throws {
        let sleep = try SpawnedProcess("sleep", ["600"])
        defer { sleep.stop(atOnce: true) }
        try agree(reading: {
            // Kernel threads have no target, and processes end meanwhile: find's complaints do not matter.
            let text = try runProcess(
                "find", ["/proc", "-mindepth", "2", "-maxdepth", "2", "-path", "/proc/[0-9]*/exe", "-printf", "%l\n"]
            ).text
            // Itself it sees both times.
            return Set(text.split(separator: "\n").map(String.init).filter { !$0.isEmpty && !$0.hasSuffix("/find") })
        }) {
            guard case .runningProcesses(let processes) = try HostInventory().collect(.runningProcesses).entries else {
                return []
            }
            #expect(processes.contains { $0.executable.hasSuffix("/sleep") && $0.user == "root" } || !sleep.isRunning)
            return Set(processes.map(\.executable).filter { !$0.hasPrefix("(not readable") && !$0.hasSuffix("/find") })
        }
        #expect(sleep.isRunning)
    }

    @Test(
        "Accounts agree with getent while the test adds one",
        .enabled(if: canAddUsers, "needs root, useradd, userdel and getent"))
    func accounts() throws {
        let name = "bgtest\(getpid())"
        let before = try HostInventory().collect(.accounts)
        try runProcessSuccessfully("useradd", ["-M", "-N", "-s", "/usr/sbin/nologin", name])
        defer { _ = try? runProcess("userdel", [name]) }
        try agree(reading: {
            let users = try runProcessSuccessfully("getent", ["passwd"]).text.split(separator: "\n").map { line in
                let words = line.split(separator: ":", omittingEmptySubsequences: false)
                return "user \(words[0]) \(words[2]) \(words[3]) \(words[5]) \(words[6])"
            }
            let groups = try runProcessSuccessfully("getent", ["group"]).text.split(separator: "\n").map { line in
                let words = line.split(separator: ":", omittingEmptySubsequences: false)
                return "group \(words[0]) \(words[2]) \(words[3].split(separator: ",").sorted().joined(separator: ","))"
            }
            return Set(users + groups)
        }) {
            let report = try HostInventory().collect(.accounts)
            let added = before.differences(to: report)
            #expect(added.contains { $0.key == "user/\(name)" && $0.change == .added })
            guard case .accounts(let accounts) = report.entries else { return [] }
            return Set(
                accounts.compactMap { account in
                    switch account {
                    case .user(let name, let uid, let gid, let home, let shell):
                        "user \(name) \(uid) \(gid) \(home) \(shell)"
                    case .group(let name, let gid, let members):
                        "group \(name) \(gid) \(members.joined(separator: ","))"
                    case .sudoRule: nil
                    }
                })
        }
    }

    /// Compares a report with a tool's view before and after it; again while the machine changes under the comparison. Only
    /// what is wrong every time is wrong.
    private func agree(reading: () throws -> Set<String>, report: () throws -> Set<String>) throws {
        var missing: Set<String>?
        var surplus: Set<String>?
        for _ in 0..<20 {
            let before = try reading()
            let seen = try report()
            let after = try reading()
            let lacking = before.intersection(after).subtracting(seen)
            let additional = seen.subtracting(before.union(after))
            missing = missing?.intersection(lacking) ?? lacking
            surplus = surplus?.intersection(additional) ?? additional
            if missing?.isEmpty == true, surplus?.isEmpty == true { return }
        }
        #expect(missing == [], "not reported")
        #expect(surplus == [], "reported without need")
    }

    private func socketsOfSS() throws -> Set<String> {
        Set(
            try runProcessSuccessfully("ss", ["-ltunH"]).text.split(separator: "\n").compactMap { line in
                let words = line.split(separator: " ", omittingEmptySubsequences: true)
                guard words.count >= 5, let colon = words[4].lastIndex(of: ":") else { return nil }
                var address = words[4][..<colon].split(separator: "%")[0].filter { $0 != "[" && $0 != "]" }
                if address == "*" { address = "::" }
                return "\(words[0]) \(address) \(words[4][words[4].index(after: colon)...])"
            })
    }
}

/// A socket on a free port of the loopback address.
private final class Listener {
    let descriptor: Int32
    let port: UInt16
    let transport: ListeningPort.TransportProtocol

    init(_ type: __socket_type, _ family: Int32) throws {
        transport = type == SOCK_STREAM ? .tcp : .udp
        descriptor = socket(family, Int32(type.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in6()
        var length: socklen_t
        if family == AF_INET {
            length = socklen_t(MemoryLayout<sockaddr_in>.size)
            withUnsafeMutableBytes(of: &address) { raw in
                raw.storeBytes(of: sa_family_t(AF_INET), as: sa_family_t.self)
                raw.storeBytes(of: UInt32(0x7F00_0001).bigEndian, toByteOffset: 4, as: UInt32.self)
            }
        } else {
            length = socklen_t(MemoryLayout<sockaddr_in6>.size)
            address.sin6_family = sa_family_t(AF_INET6)
            address.sin6_addr = in6addr_loopback
        }
        let descriptor = self.descriptor
        let bound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(descriptor, address, length) == 0 && (type != SOCK_STREAM || listen(descriptor, 4) == 0)
                    && getsockname(descriptor, address, &length) == 0
            }
        }
        // The port is at the same place in both forms.
        port = UInt16(bigEndian: address.sin6_port)
        guard bound else { throw ProcessError.system(call: "bind", errno: errno) }
    }

    deinit { close(descriptor) }
}

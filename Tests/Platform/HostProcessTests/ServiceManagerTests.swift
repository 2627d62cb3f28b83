import Foundation
import HostProcess
import SoftwareTPM
import Testing

@Suite("The service manager is told")
struct ServiceManagerTests {
    @Test(
        "Readiness, status and end reach a socket of the file system and one of the abstract namespace",
        arguments: [false, true])
    func reaches(isAbstract: Bool) throws {
        let manager = try ServiceManagerSocket(isAbstract: isAbstract)
        ServiceManager.notify(.ready, .status("listening"), socket: manager.name)
        #expect(manager.next() == ["READY=1", "STATUS=listening"])
        ServiceManager.notify(.stopping, socket: manager.name)
        #expect(manager.next() == ["STOPPING=1"])
        ServiceManager.notify(.watchdog, socket: manager.name)
        #expect(manager.next() == ["WATCHDOG=1"])
    }

    @Test("A reload says since when, by the monotonic clock, as notify-reload demands")
    func reloading() throws {
        let manager = try ServiceManagerSocket(isAbstract: true)
        ServiceManager.notify(.reloading, socket: manager.name)
        let message = try #require(manager.next())
        #expect(message.first == "RELOADING=1")
        let time = try #require(message.last?.split(separator: "=").last.flatMap { Int64($0) })
        #expect(message.last?.hasPrefix("MONOTONIC_USEC=") == true && time > 0)
    }

    @Test(
        "TA-16: text of others in a status line is one line: it makes no assignment of its own",
        arguments: ["a\nREADY=1", "a\r\nWATCHDOG=trigger", "a\u{0}b", "a\u{85}b\u{2028}MAINPID=1"])
    func injection(text: String) throws {
        let manager = try ServiceManagerSocket(isAbstract: true)
        ServiceManager.notify(.status(text), socket: manager.name)
        let message = try #require(manager.next())
        #expect(message.count == 1 && message[0].hasPrefix("STATUS=a "))
        #expect(message[0].unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x85 && $0.value != 0x2028 })
    }

    @Test("Without a manager, with one that is gone, and with a name that is none, nothing happens")
    func nobody() throws {
        ServiceManager.notify(.ready, socket: nil)
        for name in ["", "relative", "/nowhere/at/all", "@" + String(repeating: "x", count: 200)] {
            ServiceManager.notify(.ready, socket: name)
        }
        // A listener that hears nothing of these shows that they went nowhere else.
        let manager = try ServiceManagerSocket(isAbstract: true)
        #expect(manager.next() == nil)
    }
}

@Suite("The watchdog")
struct WatchdogTests {
    @Test("Half of the manager's patience is the longest pause between two signs")
    func interval() {
        let watchdog = Watchdog(microseconds: "30000000", process: String(getpid()))
        #expect(watchdog.patience == 30_000 && watchdog.interval == 15_000)
        #expect(Watchdog(microseconds: "30000000", process: nil).patience == 30_000)
    }

    @Test(
        "Another process's watchdog, none, and one that is no number are none",
        arguments: [("30000000", "1"), (nil, nil), ("soon", nil), ("0", nil), ("-5", nil)] as [(String?, String?)])
    func none(microseconds: String?, process: String?) {
        #expect(Watchdog(microseconds: microseconds, process: process).interval == nil)
    }
}

@Suite("The rights of a process")
struct ProcessPrivilegesTests {
    private func status(user: Int, group: Int, groups: String, capabilities: String) -> String {
        """
        Name:\tbootgate-agent
        Uid:\t\(user)\t\(user)\t\(user)\t\(user)
        Gid:\t\(group)\t\(group)\t\(group)\t\(group)
        Groups:\t\(groups)
        CapPrm:\t\(capabilities)
        CapEff:\t\(capabilities)
        """
    }

    @Test("AG-06: a dedicated user with the two capabilities that it needs has nothing in excess")
    func needed() throws {
        let text = status(user: 990, group: 990, groups: "117 990 ", capabilities: "0000000000080004")
        let rights = try #require(ProcessPrivileges(status: text))
        #expect(rights.capabilities == ProcessPrivileges.agentCapabilities)
        #expect(rights.groups == [117, 990])
        #expect(rights.excess(over: ProcessPrivileges.agentCapabilities) == [])
    }

    @Test("AG-06: root's user, root's group, and every other capability are named")
    func excess() throws {
        let root = try #require(
            ProcessPrivileges(status: status(user: 0, group: 0, groups: "0", capabilities: "000001ffffffffff")))
        let named = root.excess(over: ProcessPrivileges.agentCapabilities)
        #expect(named.count == 3 && named[0] == "user 0" && named[1] == "group 0")
        let left = try #require(
            ProcessPrivileges(status: status(user: 990, group: 990, groups: "0 990", capabilities: "0000000000200004")))
        #expect(left.excess(over: ProcessPrivileges.agentCapabilities) == ["group 0", "capabilities 21"])
    }

    @Test("This process's own rights are read as the kernel has them, and a torn text gives nothing")
    func own() throws {
        let rights = try #require(ProcessPrivileges.current())
        #expect(rights.effectiveUser == geteuid() && rights.effectiveGroup == getegid())
        #expect(ProcessPrivileges(status: "Uid:\t0\n") == nil)
    }
}

import Glibc
import Logging
import SIEMForwarding
import SecurityEvents
import SoftwareTPM
import Testing

@Suite(.enabled(if: RealSyslog.available, "rsyslogd and openssl are not installed"))
struct SyslogForwardingTests {
    let syslog: RealSyslog
    init() throws { syslog = try RealSyslog() }

    private func destination(
        port: Int, serverName: String = "siem.test", ca: String = "ca", client: String? = "client"
    ) -> SIEMDestination {
        SIEMDestination(
            name: "siem",
            kind: .syslogTLS(
                SyslogTLSDestination(
                    host: "127.0.0.1", port: port, serverName: serverName, caFile: syslog.directory.file("\(ca).pem"),
                    certificateFile: client.map { syslog.directory.file("\($0).pem") },
                    keyFile: client.map { syslog.directory.file("\($0).key") })))
    }

    private func forwarder(_ destination: SIEMDestination, _ outbox: MemoryOutbox, cap: Int = 1_000) -> SIEMForwarder {
        var options = SIEMForwardingOptions()
        options.batchLimit = 128
        options.pollInterval = .milliseconds(20)
        options.backOffFirst = .milliseconds(20)
        options.backOffMost = .milliseconds(200)
        options.backlogAlarmAt = cap
        return SIEMForwarder(
            destination, outbox: outbox,
            sink: destination.sink(hostname: "verifier.test", processID: "1", productVersion: "1"), options: options,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    @Test(
        "SO-04: 2,000 events over a rsyslog that is down, stopped, restarted and cut off: none lost, order kept, one id each",
        .timeLimit(.minutes(5)))
    func outage() async throws {
        // Handshakes take some 3 kB: these cuts hit handshakes, first frames and last ones.
        let cuts = [500, 2_000, 4_000, 9_000, 20_000, 33_333, 60_000, 75_000, 90_000, 10_000, 50_000, 81_000]
        let proxy = try CuttingProxy(to: syslog.port, cuts: cuts)
        let outbox = MemoryOutbox()
        let forwarder = forwarder(destination(port: proxy.port), outbox)
        try await withThrowingTaskGroup { group in
            group.addTask { try await forwarder.run() }
            outbox.append(500)
            try await eventually { !outbox.snapshot.errors.isEmpty }
            var server = try syslog.start()
            for round in 1...3 {
                let target = outbox.snapshot.events.count * round / 4
                try await eventually { try syslog.receivedIDs().count > target }
                // In mid-delivery: more is waiting than one batch holds.
                outbox.append(400)
                #expect(server.stop() == 0, "rsyslog ends on SIGTERM")
                outbox.append(round == 3 ? 0 : 100)
                server = try syslog.start()
            }
            outbox.append(2_000 - outbox.snapshot.events.count)
            try await eventually { outbox.snapshot.cursor == 2_000 }
            try await eventually { Set(try syslog.receivedIDs()).count >= 2_000 }
            group.cancelAll()
            server.stop()
        }
        let received = try syslog.receivedIDs()
        var seen: Set<String> = []
        let firsts = received.filter { seen.insert($0).inserted }
        #expect(firsts == (1...2_000).map { "event-\($0)" })
        #expect(proxy.cutsMade >= 8, "\(proxy.cutsMade) connections were cut")
        #expect(outbox.snapshot.changes.isEmpty || outbox.snapshot.changes.last == .caughtUp)
    }

    @Test(
        "SO-07: nothing is sent to a peer with another CA or another name",
        arguments: [("siem.test", "other-ca"), ("other.test", "ca")])
    func wrongPeer(serverName: String, ca: String) async throws {
        let server = try syslog.start()
        try await eventually { LoopbackSocket.connect(port: syslog.port).map { close($0) } != nil }
        let destination = destination(port: syslog.port, serverName: serverName, ca: ca)
        let outbox = MemoryOutbox()
        outbox.append(1)
        let sink = destination.sink(hostname: "verifier.test", processID: "1", productVersion: "1")
        let error = await #expect(throws: DeliveryError.self) { try await sink.deliver(outbox.snapshot.events) }
        #expect(error?.code == .handshake)
        // A delivery that must succeed shows that the earlier one would have been seen.
        let good = self.destination(port: syslog.port)
        outbox.append(1)
        try await good.sink(hostname: "verifier.test", processID: "1", productVersion: "1").deliver(
            [outbox.snapshot.events[1]])
        try await eventually { try syslog.receivedIDs().contains("event-2") }
        #expect(try syslog.receivedIDs() == ["event-2"])
        server.stop()
    }

    @Test(
        "A receiver that refuses the client's certificate got nothing: the delivery fails",
        arguments: ["stranger", nil])
    func refusedClient(client: String?) async throws {
        let server = try syslog.start()
        try await eventually { LoopbackSocket.connect(port: syslog.port).map { close($0) } != nil }
        let outbox = MemoryOutbox()
        outbox.append(3)
        let sink = destination(port: syslog.port, client: client).sink(
            hostname: "verifier.test", processID: "1", productVersion: "1")
        await #expect(throws: (any Error).self) { try await sink.deliver(outbox.snapshot.events) }
        #expect(try syslog.receivedIDs().isEmpty)
        server.stop()
    }

    @Test("SO-05: a backlog over its cap is announced once, and its end too")
    func backlog() async throws {
        let outbox = MemoryOutbox()
        let forwarder = forwarder(destination(port: syslog.port), outbox, cap: 100)
        try await withThrowingTaskGroup { group in
            group.addTask { try await forwarder.run() }
            outbox.append(150)
            try await eventually { outbox.snapshot.errors.count > 5 }
            #expect(outbox.snapshot.changes == [.behind])
            #expect(forwarder.health.isBehind)
            let server = try syslog.start()
            try await eventually { outbox.snapshot.changes == [.behind, .caughtUp] }
            #expect(!forwarder.health.isBehind)
            group.cancelAll()
            server.stop()
        }
    }

    @Test("SO-06: a receiver that never reads holds up only its own task, which ends when it is told to")
    func slow() async throws {
        let listener = try LoopbackSocket.listen(port: 0)
        defer { close(listener) }
        let outbox = MemoryOutbox()
        outbox.append(10)
        let forwarder = forwarder(destination(port: try LoopbackSocket.port(of: listener)), outbox)
        try await withThrowingTaskGroup { group in
            group.addTask { try await forwarder.run() }
            let peer = accept(listener, nil, nil)
            #expect(peer >= 0)
            // The connection is made, nothing is read: callers of the outbox go on.
            outbox.append(10)
            #expect(outbox.snapshot.cursor == 0)
            CuttingProxy.reset(peer)
            try await eventually { !outbox.snapshot.errors.isEmpty }
            group.cancelAll()
        }
    }
}

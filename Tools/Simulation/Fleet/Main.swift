import ArgumentParser
import AttestationMessages
import Foundation
import NIOCore
import NIOPosix
import NIOSSL

/// Simulated nodes against a real verifier: enroll, then attest for a while.
@main
struct Fleet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bootgate-fleet",
        abstract: "Simulated nodes (software AKs, honest protocol) against a real verifier; see Tools/fleet.")

    @Option(help: "Verifier's host name, as in its certificate.") var host = "localhost"
    @Option(help: "Port of the main listener.") var port: Int
    @Option(help: "Port of the enrollment listener.") var enrollmentPort: Int
    @Option(help: "PEM file with the verifier's CA.") var caFile: String
    @Option(help: "Operator's certificate, PEM (all roles; the verifier in lab mode).") var certificate: String
    @Option(help: "Operator's key, PEM.") var key: String
    @Option(help: "Firmware event log that every node booted.") var eventLog: String
    @Option(help: "Nodes.") var nodes = 64
    @Option(help: "Prefix of the node ids.") var prefix = "fleet"
    @Option(help: "Seconds of load.") var seconds = 20
    @Option(help: "Seconds between two attestations of a node; 0: one after the other without a pause.")
    var interval = 0
    @Option(help: "Append `node verdict-id` of every acknowledged result to this file.") var acknowledged: String?
    @Flag(help: "Open a broken connection again and go on: for kill tests.") var reconnect = false
    @Option(help: "Threads for the network.") var threads = 1
    @Option(help: "Instead of load: one node whose first upload is a measurement list of that many files.")
    var listEntries: Int?
    @Option(help: "Different files among them, all in the references.") var listFiles = 50_000
    @Option(help: "The verifier's process id, to read its memory.") var verifierPid: Int32?
    @Option(help: "Most seconds from challenge to verdict of that upload.") var mostSeconds: Double?
    @Option(help: "Most KiB that the verifier may hold meanwhile.") var mostKibibytes: Int?

    func run() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: threads)
        do {
            try await run(on: group)
        } catch {
            try await group.shutdownGracefully()
            throw error
        }
        try await group.shutdownGracefully()
    }

    private func run(on group: MultiThreadedEventLoopGroup) async throws {
        let roots = try NIOSSLCertificate.fromPEMFile(caFile)
        let boot = try SimulatedBoot(eventLog: [UInt8](try Data(contentsOf: URL(filePath: eventLog))))
        let identity = TLSIdentity(
            chain: try NIOSSLCertificate.fromPEMFile(certificate),
            key: try NIOSSLPrivateKey(file: key, format: .pem))
        let operatorConnection = try await MutualTLSConnection.open(
            host: host, port: port, identity: identity, trustRoots: roots, group: group)
        let fleetOperator = FleetOperator(connection: operatorConnection)

        let list = listEntries.map {
            SimulatedList(entries: $0, distinct: min($0, listFiles), boot: boot.values, banks: boot.banks)
        }
        let unenrolled = try (0..<(list == nil ? nodes : 1)).map { number in
            guard let id = NodeID("\(prefix)-\(number)") else { throw FleetError("bad prefix \(prefix)") }
            return try SimulatedNode(id: id, boot: boot, list: list)
        }
        try await fleetOperator.importManifest(of: unenrolled, group: prefix)
        let clock = ContinuousClock()
        let enrollStart = clock.now
        let fleet = try await enroll(unenrolled, roots, group)
        print("enrolled \(fleet.count) nodes in \((clock.now - enrollStart).milliseconds / 1000) s")

        try await fleetOperator.setInterval(max(interval, 10), group: prefix)
        let first = try await attest(fleet[0], roots, group, once: true)
        try await fleetOperator.activateReferences(from: fleet[0].id, group: prefix, files: list?.files)
        if list != nil {
            let connection = try await connect(fleet[0], roots, group)
            let run = LongList(
                verifierProcess: verifierPid, mostSeconds: mostSeconds, mostKibibytes: mostKibibytes)
            try await run.run(fleet[0], over: connection)
            return await connection.close()
        }
        if first != "pass" { print("first verdict, before any reference set: \(first)") }

        let report = FleetReport()
        let start = clock.now
        let deadline = start + .seconds(seconds)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for node in fleet {
                tasks.addTask { try await load(node, until: deadline, report, roots, group) }
            }
            try await tasks.waitForAll()
        }
        try finish(report, over: clock.now - start)
    }

    private func enroll(
        _ nodes: [SimulatedNode], _ roots: [NIOSSLCertificate], _ group: MultiThreadedEventLoopGroup
    ) async throws -> [SimulatedNode] {
        try await withThrowingTaskGroup(of: (Int, SimulatedNode).self) { tasks in
            var enrolled = [SimulatedNode?](repeating: nil, count: nodes.count)
            func add(_ index: Int) {
                let node = nodes[index]
                tasks.addTask {
                    let connection = try await MutualTLSConnection.open(
                        host: host, port: enrollmentPort, identity: try node.selfSignedIdentity(), trustRoots: roots,
                        group: group)
                    let result = try await node.enrolled(over: connection)
                    await connection.close()
                    return (index, result)
                }
            }
            var next = min(8, nodes.count)
            for index in 0..<next { add(index) }
            while let (index, node) = try await tasks.next() {
                enrolled[index] = node
                if next < nodes.count {
                    add(next)
                    next += 1
                }
            }
            return enrolled.compactMap { $0 }
        }
    }

    private func connect(
        _ node: SimulatedNode, _ roots: [NIOSSLCertificate], _ group: MultiThreadedEventLoopGroup
    ) async throws -> MutualTLSConnection {
        guard let identity = node.identity else { throw FleetError("\(node.id) is not enrolled") }
        return try await MutualTLSConnection.open(
            host: host, port: port, identity: identity, trustRoots: roots, group: group)
    }

    private func attest(
        _ node: SimulatedNode, _ roots: [NIOSSLCertificate], _ group: MultiThreadedEventLoopGroup, once: Bool
    ) async throws -> String {
        let connection = try await connect(node, roots, group)
        let reply = try await node.attest(over: connection, pending: nil, clock: 1)
        await connection.close()
        return reply.verdict?.rawValue ?? "none"
    }

    /// Attests until the deadline; each attestation is timed from its first request to the verdict.
    private func load(
        _ node: SimulatedNode, until deadline: ContinuousClock.Instant, _ report: FleetReport,
        _ roots: [NIOSSLCertificate], _ group: MultiThreadedEventLoopGroup
    ) async throws {
        let clock = ContinuousClock()
        var connection: MutualTLSConnection?
        var pending: AttestationChallenge?
        var tick: UInt64 = 2
        var accepted = false
        if interval > 0 { try await Task.sleep(for: .seconds(Double.random(in: 0..<Double(interval)))) }
        while clock.now < deadline {
            do {
                let open: MutualTLSConnection
                if let connection { open = connection } else { open = try await connect(node, roots, group) }
                connection = open
                let start = clock.now
                tick += 1
                let reply = try await node.attest(
                    over: open, pending: pending, clock: tick, sendsValues: !accepted)
                accepted = reply.verdict == .pass
                report.add(
                    clock.now - start, verdict: reply.verdict?.rawValue ?? "none",
                    acknowledgement: "\(node.id) \(reply.verdictID ?? "-")")
                pending = interval == 0 ? reply.nextChallenge : nil
            } catch {
                guard reconnect else { throw error }
                report.retried()
                await connection?.close()
                connection = nil
                pending = nil
                accepted = false
                try await Task.sleep(for: .milliseconds(Int.random(in: 20...200)))
            }
            if interval > 0 { try await Task.sleep(for: .seconds(interval)) }
        }
        await connection?.close()
    }

    private func finish(_ report: FleetReport, over elapsed: Duration) throws {
        if let acknowledged {
            let text = report.acknowledged.joined(separator: "\n") + "\n"
            try Data(text.utf8).write(to: URL(filePath: acknowledged))
        }
        let summary = report.summary(over: elapsed)
        let bound = try AttestationBound.perSecond(requestBytes: 4096, replyBytes: 1024)
        func rounded(_ value: Double) -> Double { Double(Int(value * 100)) / 100 }
        print(
            "attestations \(summary.count) in \(rounded(elapsed.milliseconds / 1000)) s: \(rounded(summary.perSecond))/s, "
                + "p50 \(rounded(summary.p50Milliseconds)) ms, p99 \(rounded(summary.p99Milliseconds)) ms, "
                + "max \(rounded(summary.maxMilliseconds)) ms, verdicts \(report.verdicts), retries \(report.retries)")
        print(
            "bound (signature check and TLS records alone): \(Int(bound.perSecond))/s "
                + "(\(rounded(bound.microseconds)) µs each); ratio \(rounded(bound.perSecond / max(summary.perSecond, 0.001)))"
        )
    }
}

import Foundation
import Glibc
import SIEMForwarding
import SecurityEvents
import SoftwareTPM
import Testing

@Suite struct JSONLinesFileTests {
    let directory: TemporaryDirectory
    let outbox = MemoryOutbox()
    init() throws { directory = try TemporaryDirectory() }
    private var path: String { directory.file("events.jsonl") }

    private func sink() -> any EventSink {
        SIEMDestination(name: "file", kind: .jsonLines(path: path)).sink(
            hostname: "v", processID: "1", productVersion: "1")
    }

    private func ids(_ name: String) throws -> [String] {
        try directory.read(name).split(separator: 0x0A).map { line in
            let object = try JSONSerialization.jsonObject(with: Data(line)) as? [String: Any]
            return try #require(object?["id"] as? String)
        }
    }

    @Test("A file that is moved away is followed by a new one, and no line is in both")
    func rotation() async throws {
        outbox.append(6)
        let events = outbox.snapshot.events
        let sink = sink()
        try await sink.deliver(Array(events[0..<3]))
        #expect(rename(path, directory.file("events.1")) == 0)
        try await sink.deliver(Array(events[3..<6]))
        #expect(try ids("events.1") == ["event-1", "event-2", "event-3"])
        #expect(try ids("events.jsonl") == ["event-4", "event-5", "event-6"])
    }

    @Test("SO-11: after a crash at any byte of a delivery no line is torn and none is there twice")
    func crash() async throws {
        outbox.append(5)
        let events = outbox.snapshot.events
        try await sink().deliver(events)
        let whole = try directory.read("events.jsonl")
        let before = try #require(whole.firstIndex(of: 0x0A)) + 1
        // The first event was delivered earlier; the crash cut the delivery of the other four.
        for cut in stride(from: before, through: whole.count, by: 7) + [whole.count] {
            try directory.write(whole[..<cut], to: "events.jsonl")
            try await sink().deliver(Array(events[1...]))
            #expect(try directory.read("events.jsonl") == whole, "cut at \(cut)")
        }
    }

    @Test("Only a regular file is written to: links, pipes and folders are refused")
    func kinds() async throws {
        outbox.append(1)
        #expect(symlink(directory.file("elsewhere"), path) == 0)
        await #expect(throws: DeliveryError.self) { try await sink().deliver(outbox.snapshot.events) }
        unlink(path)
        #expect(mkfifo(path, 0o600) == 0)
        await #expect(throws: DeliveryError.self) { try await sink().deliver(outbox.snapshot.events) }
        unlink(path)
        #expect(mkdir(path, 0o700) == 0)
        await #expect(throws: DeliveryError.self) { try await sink().deliver(outbox.snapshot.events) }
    }
}

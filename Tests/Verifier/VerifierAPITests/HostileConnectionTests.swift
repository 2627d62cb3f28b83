import Glibc
import NIOCore
import Testing
import VerifierAPI

@Suite("Hostile connections")
struct HostileConnectionTests {

    /// Heads that two parsers could read in two ways, each followed by what would be a second request.
    static let smuggling = [
        "Content-Length: 5\r\nTransfer-Encoding: chunked", "Transfer-Encoding: chunked\r\nContent-Length: 5",
        "Content-Length: 5\r\nContent-Length: 6", "Content-Length: 5, 6", "Content-Length: +5", "Content-Length: -1",
        "Content-Length: 0x5", "Content-Length: 99999999999999999999", "Transfer-Encoding: xchunked",
        "Transfer-Encoding: chunked, identity", "Transfer-Encoding : chunked", "X: y\nTransfer-Encoding: chunked",
    ]

    @Test(
        "TA-08: a head that can be read in two ways gets at most one answer, and the connection closes",
        arguments: smuggling)
    func smuggled(_ head: String) async throws {
        try await LiveVerifier.run { live in
            let request =
                "POST /v1/nodes/n1/challenges HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\(head)\r\n\r\n"
                + "0\r\n\r\nGET /v1/openapi.json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
            // It ends because the server closed the connection.
            let text = try await live.exchange(Array(request.utf8), as: "n1")
            let statuses = text.split(separator: "HTTP/1.1 ").dropFirst().compactMap { Int($0.prefix(3)) }
            #expect(statuses == [400] || statuses == [413], "\(statuses) \(text.suffix(400))")
            #expect(live.fake.calls.isEmpty)
            #expect(try await live.curl("/healthz", as: "n1").status == 200)
        }
    }

    @Test("TA-08: an announced gigabyte and an endless body end with 413 and a closed connection")
    func oversize() async throws {
        try await LiveVerifier.run { live in
            let head = "POST /v1/nodes/n1/evidence HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            let announced = try await live.exchange(
                Array((head + "Content-Length: 1073741824\r\n\r\n").utf8), as: "n1")
            #expect(announced.contains("HTTP/1.1 413") && announced.contains("API_BODY_TOO_LARGE"))
            let chunk = "10000\r\n" + String(repeating: " ", count: 65_536) + "\r\n"
            let endless = try await live.exchange(
                Array((head + "Transfer-Encoding: chunked\r\n\r\n" + String(repeating: chunk, count: 64)).utf8),
                as: "n1")
            #expect(endless.contains("HTTP/1.1 413"))
            let broken = try await live.exchange(
                Array((head + "Transfer-Encoding: chunked\r\n\r\nZZ\r\nabc").utf8), as: "n1")
            #expect(!broken.contains("HTTP/1.1 2"))
            #expect(live.fake.calls.isEmpty)
        }
    }

    @Test("TA-07: more than 256 fields or 64 KiB of them are refused, half a million end the connection")
    func headerFlood() async throws {
        try await LiveVerifier.run { live in
            for (count, size) in [(300, 1), (200, 400), (500_000, 1)] {
                let fields = (0..<count).map { "X-\($0): \(String(repeating: "a", count: size))\r\n" }.joined()
                let text = try await live.exchange(
                    Array(("GET /healthz HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n").utf8), as: "n1")
                #expect(!text.contains("HTTP/1.1 200"), "\(count) fields of \(size)")
            }
            #expect(try await live.curl("/healthz", as: "n1").status == 200)
        }
    }

    @Test(
        "TA-14: half-open and trickling connections are closed at their deadlines, and another address is served meanwhile"
    )
    func slow() async throws {
        let deadlines = Deadlines(handshake: .seconds(20), head: .seconds(20), body: .minutes(2))
        try await LiveVerifier.run(deadlines: deadlines) { live in
            let halfOpen = try (0..<400).map { _ in try Self.connect(to: live.ports[.main] ?? 0, from: "127.0.0.2") }
            let trickling = try (0..<100).map { _ in try Self.connect(to: live.ports[.loopback] ?? 0, from: "127.0.0.2")
            }
            for descriptor in trickling { _ = "GET /heal".withCString { write(descriptor, $0, 9) } }
            #expect(try await live.curl("/healthz", as: "n1").status == 200)
            #expect(try await live.curl("/healthz", .loopback, as: nil).status == 200)
            // Each of them sees the end of its connection; nobody has to time it.
            await LiveVerifier.onThread {
                for descriptor in halfOpen + trickling {
                    var bytes = [UInt8](repeating: 0, count: 256)
                    while read(descriptor, &bytes, bytes.count) > 0 {}
                    close(descriptor)
                }
            }
            #expect(try await live.curl("/healthz", as: "n1").status == 200)
        }
    }

    @Test("TA-14: an address over its cap is closed on arrival, another one is served")
    func caps() async throws {
        try await LiveVerifier.run(caps: .init(total: 100, perAddress: 10, pendingPerAddress: 5)) { live in
            let held = try (0..<20).map { _ in try Self.connect(to: live.ports[.main] ?? 0, from: "127.0.0.3") }
            #expect(try await live.curl("/healthz", as: "n1").status == 200)
            for descriptor in held { close(descriptor) }
        }
    }

    @Test("A body that stops is cut off at its deadline")
    func stalledBody() async throws {
        try await LiveVerifier.run(deadlines: Deadlines(handshake: .minutes(2), head: .minutes(2), body: .seconds(1))) {
            live in
            let text = try await live.exchange(
                Array(
                    ("POST /v1/nodes/n1/challenges HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                        + "Content-Length: 100\r\n\r\n{").utf8), as: "n1")
            #expect(!text.contains("HTTP/1.1 2"))
            #expect(live.fake.calls.isEmpty)
        }
    }

    private static func connect(to port: Int, from source: String) throws -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        try #require(descriptor >= 0)
        func address(_ host: String, _ port: Int) -> sockaddr_in {
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = in_port_t(port).bigEndian
            inet_pton(AF_INET, host, &address.sin_addr)
            return address
        }
        func call(_ address: sockaddr_in, _ function: (Int32, UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
            withUnsafePointer(to: address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    function(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
        }
        try #require(call(address(source, 0)) { bind($0, $1, $2) } == 0)
        try #require(call(address("127.0.0.1", port)) { Glibc.connect($0, $1, $2) } == 0)
        return descriptor
    }
}

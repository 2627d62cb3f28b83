import Foundation
import SoftwareTPM
import Testing

/// Floods and slow peers against the real verifier.
@Suite(
    "Hostile traffic, real verifier", .serialized,
    .enabled(if: Programs.isComplete, Comment(rawValue: Programs.requirement)))
struct HostileTrafficTests {
    /// KiB.
    private static let mostGrowth = 16 * 1024

    /// A verifier that has answered before, so that what it allocates once is not taken for growth.
    private func warm(_ configuration: String = "") async throws -> (laboratory: Laboratory, pid: Int32) {
        let laboratory = try Laboratory(configuration: configuration)
        try await laboratory.start()
        for _ in 0..<20 { try answers(laboratory) }
        return (laboratory, try #require(laboratory.verifier?.pid))
    }

    private func answers(_ laboratory: Laboratory) throws {
        #expect(try laboratory.curl("/v1/verifier/status", as: laboratory.identity("alice")).status == 200)
    }

    /// Sends bytes over mutual TLS; gives what came back until the server closed.
    private func exchange(_ bytes: [UInt8], _ laboratory: Laboratory) throws -> String {
        let alice = laboratory.identity("alice")
        return try runProcess(
            "openssl",
            ["s_client", "-connect", "127.0.0.1:\(laboratory.mainPort)", "-CAfile", laboratory.caFile, "-quiet"]
                + ["-cert", alice.certificate, "-key", alice.key, "-ign_eof", "-nocommands"], input: bytes
        ).text
    }

    @Test("TA-07: half a million small headers are refused, and the process grows by less than 16 MiB")
    func headerFlood() async throws {
        let (laboratory, pid) = try await warm()
        func flood(_ count: Int) -> [UInt8] {
            var bytes = Array("GET /healthz HTTP/1.1\r\nHost: x\r\n".utf8)
            for index in 0..<count { bytes += Array("X-\(index): a\r\n".utf8) }
            return bytes + Array("\r\n".utf8)
        }
        _ = try exchange(flood(1_000), laboratory)
        let before = try laboratory.memory()
        try laboratory.forgetPeak()
        let bytes = flood(500_000)
        for _ in 0..<3 {
            let reply = try exchange(bytes, laboratory)
            // 400, 431, or a closed connection before the answer could be read.
            let status = reply.split(separator: "\r\n").first.map(String.init) ?? ""
            #expect(status.isEmpty || status.hasPrefix("HTTP/1.1 431") || status.hasPrefix("HTTP/1.1 400"), "\(status)")
        }
        let growth = try laboratory.memory(peak: true) - before
        print("TA-07: \(before) KiB before, \(growth) KiB growth at most")
        #expect(growth < Self.mostGrowth)
        try answers(laboratory)
        #expect(laboratory.verifier?.pid == pid && laboratory.verifier?.isRunning == true)
    }

    @Test("TA-08: a body of 1 GiB and endless chunks get 413 and a closed connection, and are not kept in memory")
    func oversize() async throws {
        let (laboratory, pid) = try await warm()
        let path = "/v1/alarms/a1/acknowledge"
        let sparse = laboratory.directory.file("gigabyte")
        try runProcessSuccessfully("truncate", ["-s", "1G", sparse])
        let before = try laboratory.memory()
        try laboratory.forgetPeak()
        let alice = laboratory.identity("alice")
        let common = ["-v", "-X", "POST", "-H", "Expect:", "-H", "content-type: application/json", "--max-time", "100"]
        let announced = try laboratory.curl(path, as: alice, common + ["-T", sparse])
        #expect(announced.status == 413 && announced.body.contains("API_BODY_TOO_LARGE"), "\(announced)")
        let credentials = "--cert \(alice.certificate) --key \(alice.key) --cacert \(laboratory.caFile)"
        let endless = try runProcess(
            "sh",
            [
                "-c",
                "curl -sS -o /dev/null -w '%{http_code} %{size_upload}' -X POST -H Expect: --max-time 100 "
                    + "-H 'content-type: application/json' -H 'Transfer-Encoding: chunked' -T - \(credentials) "
                    + "https://localhost:\(laboratory.mainPort)\(path) < /dev/zero",
            ])
        let figures = endless.text.split(separator: " ").compactMap { Int($0) }
        #expect(figures.first == 413, "\(endless.text) \(endless.errorText)")
        #expect(figures.last ?? .max < 64 << 20)
        // s_client ends only when the server closes.
        let head = "POST \(path) HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        let closed = try exchange(Array((head + "Content-Length: 1073741824\r\n\r\n").utf8), laboratory)
        #expect(closed.hasPrefix("HTTP/1.1 413"))
        let growth = try laboratory.memory(peak: true) - before
        print("TA-08: \(before) KiB before, \(growth) KiB growth at most, \(figures) answered and sent")
        #expect(growth < Self.mostGrowth)
        try answers(laboratory)
        #expect(laboratory.verifier?.pid == pid && laboratory.verifier?.isRunning == true)
    }

    @Test("TA-14: beside 2,000 half-open and 500 trickling sockets a good request takes less than a second")
    func slowPeers() async throws {
        try #require(DescriptorLimit.raise(to: 8_192), "the limit of open files cannot be raised to 8,192")
        // Longer than the defaults, so that all of them are there while the good requests run.
        let (laboratory, pid) = try await warm("[limits]\nhandshake-seconds = 30\nhead-seconds = 30\n")
        let sources = (2...11).map { "127.0.0.\($0)" }
        let tlsPorts = [laboratory.mainPort, laboratory.enrollmentPort]
        let halfOpen = try RawConnections(2_000, to: tlsPorts, from: sources)
        let trickling = try RawConnections(500, to: [laboratory.mainPort, laboratory.loopbackPort], from: sources)
        let texts = [
            [0x16, 0x03, 0x01, 0x02, 0x00, 0x01] + [UInt8](repeating: 0, count: 64),
            Array("GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: aaaaaaaaaaaaaaaaaaaa".utf8),
        ]
        var seconds: [Double] = []
        for round in 0..<9 {
            trickling.trickle(round, of: texts)
            let good = try laboratory.curl("/v1/verifier/status", as: laboratory.identity("alice"))
            #expect(good.status == 200)
            seconds.append(good.seconds)
        }
        #expect(halfOpen.openCount == 2_000 && trickling.openCount == 500)
        print("TA-14: good requests took \(seconds.sorted()) s")
        // The median: one call may have waited for a processor that others hold.
        #expect(seconds.sorted()[4] < 1)
        // None of them stays: the deadlines close them all, trickled or not.
        var round = 9
        try await eventually("the deadlines close every slow connection") { () -> Bool? in
            trickling.trickle(round, of: texts)
            round += 1
            return halfOpen.openCount == 0 && trickling.openCount == 0 ? true : nil
        }
        try answers(laboratory)
        #expect(laboratory.verifier?.pid == pid && laboratory.verifier?.isRunning == true)
    }
}

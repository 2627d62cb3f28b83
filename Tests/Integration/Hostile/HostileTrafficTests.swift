import AttestationTestKit
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

    @Test("TA-09: 1 GiB of zeros gzipped, and deflate with 3 bytes behind it, get 415 and are not inflated")
    func bombs() async throws {
        let (laboratory, pid) = try await warm()
        let bomb = laboratory.directory.file("bomb.gz")
        let deflate = laboratory.directory.file("deflate")
        try runProcessSuccessfully(
            "sh", ["-c", "head -c 1073741824 /dev/zero | gzip -1 > \(bomb)"], timeoutSeconds: 300)
        // A gzip file without its header of 10 bytes and its trailer is raw deflate; three of the trailer's stay.
        try runProcessSuccessfully(
            "sh", ["-c", "head -c 1000 /dev/zero | gzip | tail -c +11 | head -c -5 > \(deflate)"])
        let before = try laboratory.memory()
        try laboratory.forgetPeak()
        for (file, encoding) in [(bomb, "gzip"), (deflate, "deflate"), (bomb, "gzip, gzip"), (bomb, "br")] {
            let reply = try laboratory.curl(
                "/v1/manifest", as: laboratory.identity("alice"),
                ["-H", "content-type: application/json", "-H", "content-encoding: \(encoding)", "-H", "Expect:"]
                    + ["--data-binary", "@\(file)"])
            #expect(reply.status == 415 && reply.body.contains("API_ENCODING"), "\(encoding): \(reply)")
        }
        let growth = try laboratory.memory(peak: true) - before
        print("TA-09: \(growth) KiB growth at most")
        #expect(growth < Self.mostGrowth)
        try answers(laboratory)
        #expect(laboratory.verifier?.pid == pid && laboratory.verifier?.isRunning == true)
    }

    @Test("TA-10: depth, duplicates, huge numbers, bad UTF-8 and forms get 400 API_JSON, and the process lives")
    func hostileJSON() async throws {
        let (laboratory, pid) = try await warm()
        let bodies: [[UInt8]] =
            [
                String(repeating: "[", count: 100_000), String(repeating: "{\"entries\":", count: 100_000),
                "{\"entries\":[{\"nodeID\":1e400}]}", "{\"entries\":[],\"entries\":[]}",
                "{\"entries\":[{\"nodeID\":\"\\ud800\"}]}", "entries[a][a][a]=1",
                "entries" + String(repeating: "[a]", count: 50_000),
                "{\"entries\":" + String(repeating: "9", count: 1_000_000) + "}",
            ].map { Array($0.utf8) } + [
                Array("{\"entries\":[{\"nodeID\":\"".utf8) + [0xC0, 0x80] + Array("\"}]}".utf8)
            ]
        for (index, body) in bodies.enumerated() {
            let file = try laboratory.directory.write(body, to: "body")
            let reply = try laboratory.curl(
                "/v1/manifest", as: laboratory.identity("alice"),
                ["-H", "content-type: application/json", "-H", "Expect:", "--data-binary", "@\(file)"])
            #expect(reply.status == 400 && reply.body.contains("API_JSON"), "\(index): \(reply)")
        }
        let form = try laboratory.curl("/v1/manifest", as: laboratory.identity("alice"), ["--data", "a[a][a]=1"])
        #expect(form.status == 415)
        try answers(laboratory)
        #expect(laboratory.verifier?.pid == pid && laboratory.verifier?.isRunning == true)
    }

    @Test("TA-11: -1, 2^31, 2^63 and their kin in every number of every body end no process and get no 2xx or 5xx")
    func hostileNumbers() async throws {
        let authority = try ExternalAuthority("External CA")
        let node = try authority.issue("node")
        let (laboratory, pid) = try await warm(
            "[tls]\nnode-roots = [\"\(authority.certificate)\"]\n[limits]\nenrollment-burst = 1000\n")
        let keyHolder = try Identity.selfSigned(in: laboratory.directory)
        let described = try DescribedAPI(
            Array(try laboratory.curl("/v1/openapi.json", as: laboratory.identity("alice")).body.utf8))
        let numbers = [
            "-1", "2147483648", "4294967296", "9223372036854775807", "9223372036854775808", "-9223372036854775808",
            "18446744073709551616", "1e400", "1.5",
        ]
        var count = 0
        for operation in described.operations {
            let access = operation.access
            let isAlices = !access.isDisjoint(with: ["viewer", "enroller", "security-admin"])
            let who =
                access == ["key-holder"]
                ? keyHolder : access == ["node"] ? node : laboratory.identity(isAlices ? "alice" : "bob")
            var path = operation.path.replacing("{id}", with: access == ["node"] ? "edge-77" : "edge-1")
            for (name, value) in ["{version}": "1", "{kind}": "accounts", "{log}": "event-log"] {
                path = path.replacing(name, with: value)
            }
            path = path.split(separator: "/").map { $0.hasPrefix("{") ? "x1" : String($0) }.reduce("") { $0 + "/" + $1 }
            for body in described.bodies(of: operation, withIntegers: numbers) {
                let file = try laboratory.directory.write(Array(body.utf8), to: "body")
                let reply = try laboratory.curl(
                    path, as: who, port: access == ["key-holder"] ? laboratory.enrollmentPort : nil,
                    ["-X", operation.method, "-H", "content-type: application/json", "--data-binary", "@\(file)"])
                #expect((400..<500).contains(reply.status), "\(operation.method) \(path) \(body): \(reply)")
                count += 1
            }
        }
        print("TA-11: \(count) bodies")
        #expect(count >= 4 * numbers.count)
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

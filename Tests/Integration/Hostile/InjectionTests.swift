import AttestationMessages
import Foundation
import SoftwareTPM
import Testing

/// TA-12 over the wire: the list of routes and parameters is the verifier's own description.
@Suite(
    "Injection, real verifier", .serialized,
    .enabled(
        if: Programs.isComplete && isInstalled("sqlite3"), Comment(rawValue: Programs.requirement + ", and sqlite3")))
struct InjectionTests {
    /// 60 payloads: each opening with each ending.
    static let payloads: [String] = {
        let openings = ["'", "\"", "')", "\")", "1", "x';", "edge-1'", "%27", "\\'", "';\u{0}"]
        let endings = [
            " OR '1'='1", "; DROP TABLE nodes; --", " UNION SELECT sql FROM sqlite_master --",
            " AND (SELECT load_extension('x'))", "; ATTACH '/tmp/x' AS x; --", "/**/OR/**/1=1",
        ]
        return openings.flatMap { opening in endings.map { opening + $0 } }
    }()
    /// As they stand in the URL: dots plain and escaped, absolute paths, NUL.
    static let paths = [
        "..", "%2e%2e", ".%2e", "%2E%2E%2Fetc%2Fpasswd", "..%2f..%2fverifier.sqlite", "%2fetc%2fpasswd", "%00",
        "a%00b", "%2e", "a%2f..%2fb", "..%5c..%5cx",
    ]
    static let values = payloads.map(escaped) + paths

    private static func escaped(_ text: String) -> String {
        text.utf8.map { "%" + String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }

    private struct Call {
        var method: String
        var path: String
        var body: String?
        var who: Identity
        var port: Int
        /// Parameter that the value is in, for the report.
        var parameter: String
        var allowed: Set<Int>
    }

    @Test("TA-12: 60 SQL payloads and 11 paths in each parameter of each route get 400, and no table changes")
    func everyParameter() async throws {
        let authority = try ExternalAuthority("External CA")
        let node = try authority.issue("node")
        let laboratory = try Laboratory(
            configuration: """
                [tls]
                node-roots = ["\(authority.certificate)"]
                [limits]
                enrollment-burst = 1000

                """)
        try await laboratory.start()
        let tables = try schema(laboratory)
        let keyHolder = try Identity.selfSigned(in: laboratory.directory)
        let document = try laboratory.curl("/v1/openapi.json", as: laboratory.identity("alice")).body
        let root = try #require(try JSONSerialization.jsonObject(with: Data(document.utf8)) as? [String: Any])
        let paths = try #require(root["paths"] as? [String: [String: [String: Any]]])
        var calls: [Call] = []
        for (path, methods) in paths {
            for (method, operation) in methods {
                calls += self.calls(path, method.uppercased(), operation, laboratory, node: node, keyHolder)
            }
        }
        #expect(Set(calls.map { "\($0.method) \($0.parameter)" }).count > 60)
        #expect(calls.count > 60 * Self.values.count)
        var wrong: [String] = []
        let groups = Dictionary(grouping: calls) { "\($0.method) \($0.port) \($0.who.key) \($0.body ?? "")" }
        for group in groups.values {
            let statuses = try send(group, laboratory)
            #expect(statuses.count == group.count)
            for (call, status) in zip(group, statuses) where !call.allowed.contains(status) {
                wrong.append("\(status) \(call.method) \(call.path)")
            }
        }
        print("TA-12: \(calls.count) calls, \(Set(calls.map { "\($0.method) \($0.parameter)" }).count) parameters")
        #expect(wrong.isEmpty, "\(wrong.count) wrong: \(wrong.prefix(20))")
        #expect(try schema(laboratory) == tables)
        #expect(try laboratory.run(as: "bob", "audit", "verify").status == 0)
    }

    private func calls(
        _ path: String, _ method: String, _ operation: [String: Any], _ laboratory: Laboratory, node: Identity,
        _ keyHolder: Identity
    ) -> [Call] {
        let access = Set(operation["x-bootgate-access"] as? [String] ?? [])
        let parameters = operation["parameters"] as? [[String: Any]] ?? []
        let listeners = operation["x-bootgate-listeners"] as? [String] ?? []
        let isNodes = access == ["node"]
        let aliceMay = !access.isDisjoint(with: ["viewer", "enroller", "security-admin", "anyone"])
        let who =
            access == ["key-holder"]
            ? keyHolder : isNodes ? node : laboratory.identity(aliceMay ? "alice" : "bob")
        let body = operation["requestBody"] == nil ? nil : "{}"
        func filled(_ replacing: String? = nil, _ value: String = "") -> String {
            var text = path
            for parameter in parameters where parameter["in"] as? String == "path" {
                let name = parameter["name"] as? String ?? ""
                let good = [
                    "id": isNodes ? "edge-77" : "edge-1", "version": "1", "kind": "accounts", "log": "event-log",
                ]
                text = text.replacing("{\(name)}", with: name == replacing ? value : good[name] ?? "x1")
            }
            return text
        }
        return parameters.flatMap { parameter -> [Call] in
            let name = parameter["name"] as? String ?? ""
            let isInPath = parameter["in"] as? String == "path"
            // A node's own id is its certificate's: any other is refused before its form is looked at.
            let allowed: Set<Int> = isInPath && isNodes && name == "id" ? [400, 403] : [400]
            return Self.values.map { value in
                Call(
                    method: method, path: isInPath ? filled(name, value) : filled() + "?\(name)=\(value)", body: body,
                    who: who, port: listeners.contains("main") ? laboratory.mainPort : laboratory.enrollmentPort,
                    parameter: "\(path) \(name)", allowed: allowed)
            }
        }
    }

    /// One curl over one connection, in order.
    private func send(_ calls: [Call], _ laboratory: Laboratory) throws -> [Int] {
        let first = calls[0]
        let urls = calls.map { "url = \"https://localhost:\($0.port)\($0.path)\"\noutput = \"/dev/null\"\n" }.joined()
        let file = try laboratory.directory.write(Array(urls.utf8), to: "urls")
        let result = try runProcessSuccessfully(
            "curl",
            ["-sS", "-g", "--path-as-is", "-K", file, "-X", first.method, "-w", "%{http_code}\n"]
                + ["--cacert", laboratory.caFile, "--cert", first.who.certificate, "--key", first.who.key]
                + (first.body.map { ["-H", "content-type: application/json", "--data", $0] } ?? []),
            timeoutSeconds: 600)
        return result.text.split(separator: "\n").compactMap { Int($0) }
    }

    @Test("TA-12: the same values as ids and names in bodies are refused, and no table changes")
    func bodies() async throws {
        let laboratory = try Laboratory()
        try await laboratory.start()
        let tables = try schema(laboratory)
        let raw =
            Self.payloads
            + ["..", "%2e%2e", "../../etc/passwd", "/etc/passwd", "\u{0}", "a\u{0}b", ".", "a/../b", "..\\x"]
        var sent: [(path: String, body: String)] = []
        for value in raw {
            let text = String(decoding: try JSONEncoder().encode(value), as: UTF8.self)
            sent += [
                ("/v1/operators", "{\"name\":\(text),\"roles\":[\"viewer\"],\"certificateRequest\":\"AAAA\"}"),
                ("/v1/references", "{\"name\":\(text),\"group\":\"g\",\"captureFrom\":[\"edge-1\"]}"),
                ("/v1/references", "{\"name\":\"r\",\"group\":\(text),\"captureFrom\":[\"edge-1\"]}"),
                ("/v1/references", "{\"name\":\"r\",\"group\":\"g\",\"captureFrom\":[\(text)]}"),
                ("/v1/manifest", "{\"entries\":[{\"nodeID\":\(text),\"ekName\":\"AAAA\"}]}"),
            ]
        }
        let statuses = try post(sent, laboratory)
        #expect(statuses.count == sent.count)
        let wrong = zip(sent, statuses).filter { ![400, 422].contains($1) }
        print("TA-12: \(sent.count) bodies")
        #expect(wrong.isEmpty, "\(wrong.count) wrong: \(wrong.prefix(10))")
        #expect(try schema(laboratory) == tables)
        #expect(try laboratory.json(["node", "list"], of: Page<NodeView>.self).items.isEmpty)
        #expect(try laboratory.json(["operator", "list"], of: Page<OperatorView>.self).items.count == 2)
    }

    /// As alice, by one curl: each call of its configuration stands by itself.
    private func post(_ calls: [(path: String, body: String)], _ laboratory: Laboratory) throws -> [Int] {
        let alice = laboratory.identity("alice")
        let entries = try calls.enumerated().map { index, call in
            let file = try laboratory.directory.write(Array(call.body.utf8), to: "body-\(index)")
            return """
                url = "https://localhost:\(laboratory.mainPort)\(call.path)"
                cacert = "\(laboratory.caFile)"
                cert = "\(alice.certificate)"
                key = "\(alice.key)"
                header = "content-type: application/json"
                data-binary = "@\(file)"
                output = "/dev/null"
                write-out = "%{http_code}\\n"

                """
        }
        let file = try laboratory.directory.write(Array(entries.joined(separator: "next\n").utf8), to: "calls")
        let result = try runProcessSuccessfully("curl", ["-sS", "-K", file], timeoutSeconds: 300)
        return result.text.split(separator: "\n").compactMap { Int($0) }
    }

    private func schema(_ laboratory: Laboratory) throws -> String {
        try runProcessSuccessfully(
            "sqlite3",
            ["\(laboratory.data)/verifier.sqlite", "SELECT name, sql FROM sqlite_master ORDER BY name"]
        ).text
    }
}

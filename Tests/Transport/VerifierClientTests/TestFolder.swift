import Foundation
import StubVerifier
import Testing
import VerifierClient

/// A folder of one test, removed with it.
struct TestFolder: ~Copyable {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appendingPathComponent("bootgate-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    func write(_ name: String, _ text: String, mode: Int = 0o600) throws -> String {
        let file = url.appendingPathComponent(name)
        try Data(text.utf8).write(to: file)
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file.path)
        return file.path
    }

    func caFile(_ authority: StubAuthority) throws -> String {
        try write("ca-\(UUID().uuidString).pem", try StubAuthority.pem(authority.certificate))
    }
}

func client(
    _ url: String, ca: String, name: String? = "localhost", pins: [String] = [], checksDates: Bool = true,
    credentials: ClientCredentials = .none, timeoutSeconds: Int = 20
) throws -> VerifierClient {
    VerifierClient(
        endpoint: try VerifierEndpoint(url: url, caFile: ca, name: name, pins: pins, checksDates: checksDates),
        credentials: credentials, userAgent: "test/1", timeoutSeconds: timeoutSeconds)
}

/// The ``VerifierClientError`` that `body` throws.
func failure(_ body: () async throws -> some Any, _ location: SourceLocation = #_sourceLocation) async
    -> VerifierClientError?
{
    do {
        _ = try await body()
        Issue.record("no error was thrown", sourceLocation: location)
        return nil
    } catch {
        let known = error as? VerifierClientError
        if known == nil { Issue.record("another error: \(error)", sourceLocation: location) }
        return known
    }
}

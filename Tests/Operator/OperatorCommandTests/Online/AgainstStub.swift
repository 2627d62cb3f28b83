import Foundation
import SoftwareTPM
import StubVerifier

/// The command against a verifier that answers with what a test says.
enum AgainstStub {
    /// - Parameter keyKind: of the operator's key, as openssl's `-newkey` takes it.
    static func run(
        _ arguments: [String], in folder: TemporaryDirectory,
        keyKind: [String] = ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"], handler: @escaping StubVerifier.Handler
    ) async throws -> (ProcessResult, [StubRequest]) {
        let authority = try StubAuthority()
        let stub = try await StubVerifier(authority: authority, handler: handler)
        let (key, certificate) = (folder.file("key.pem"), folder.file("certificate.pem"))
        try runProcessSuccessfully(
            "openssl",
            ["req", "-x509", "-newkey"] + keyKind
                + ["-nodes", "-subj", "/CN=test", "-keyout", key, "-out", certificate])
        chmod(key, 0o600)
        let ca = try folder.write(Array(try StubAuthority.pem(authority.certificate).utf8), to: "ca.pem")
        let result = try BootgateProcess.run(
            arguments, home: folder.path,
            settings: [
                "VERIFIER_URL": "https://localhost:\(stub.port)", "VERIFIER_CA_FILE": ca,
                "OPERATOR_CERTIFICATE": certificate, "OPERATOR_KEY": key,
            ])
        let requests = stub.requests
        try await stub.stop()
        return (result, requests)
    }
}

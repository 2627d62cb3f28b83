import AttestationMessages
import Crypto
import Foundation
import SoftwareTPM
import StubVerifier
import Testing

@Suite("bootgate reference propose and approve sign", .enabled(if: isInstalled("openssl")))
struct SigningCommandTests {
    private let folder: TemporaryDirectory
    private let document = Array("{\"a\": 1}".utf8)
    init() throws { folder = try TemporaryDirectory() }

    private var digest: String { ProtocolBinding.documentSHA256(document) }

    private func run(
        _ arguments: [String], keyKind: [String]? = nil
    ) async throws -> (result: ProcessResult, posted: ReferenceActRequest?, certificate: [UInt8]?) {
        let view = ReferenceView(
            name: "golden", version: 7, status: .proposed, documentSHA256: digest, group: "default", layers: [],
            createdBy: "ada", proposedBy: "ada", approvedBy: nil, labMode: false, note: nil, createdAtMilliseconds: 0,
            validUntilMilliseconds: nil)
        let detail = ReferenceDetail(view: view, document: WireBytes(document))
        let (result, requests) = try await AgainstStub.run(
            arguments, in: folder, keyKind: keyKind ?? ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
        ) { request in
            request.method == "GET" ? try StubReply.json(200, detail) : try StubReply.json(200, view)
        }
        let post = requests.first { $0.method == "POST" }
        return (
            result, try post.map { try JSONDecoder().decode(ReferenceActRequest.self, from: Data($0.body)) },
            post?.peerCertificate
        )
    }

    @Test(
        "RV-06: the signature verifies with the key of the handshake, over exactly this act, version and document",
        arguments: [ReferenceAct.propose, .approve])
    func signs(_ act: ReferenceAct) async throws {
        let more = act == .approve ? ["--sha256", digest] : []
        let (result, posted, der) = try await run(
            ["reference", act.rawValue, "golden", "--reason", "read it"] + more)
        #expect(result.status == 0, "\(result.errorText)")
        let request = try #require(posted)
        #expect(request.documentSHA256 == digest)
        let pem = String(decoding: try readFile(folder.file("key.pem")), as: UTF8.self)
        let key = try P256.Signing.PrivateKey(pemRepresentation: pem).publicKey
        // The key of the certificate that the handshake showed.
        let point = Array(key.x963Representation)
        let certificate = try #require(der)
        #expect(certificate.indices.contains { certificate[$0...].starts(with: point) })
        let signature = try P256.Signing.ECDSASignature(rawRepresentation: try #require(request.signature).bytes)
        func verifies(_ act: ReferenceAct, _ version: Int, _ document: [UInt8]) -> Bool {
            key.isValidSignature(
                signature, for: ProtocolBinding.reference(act: act, version: version, document: document))
        }
        #expect(verifies(act, 7, document))
        #expect(!verifies(act == .propose ? .approve : .propose, 7, document))
        #expect(!verifies(act, 8, document) && !verifies(act, 7, document + [0x20]))
    }

    @Test(
        "RV-04: bytes that are not those of the SHA-256 on the command line are not signed: exit code 3, nothing is sent"
    )
    func otherDocument() async throws {
        let other = String(repeating: "ab", count: 32)
        let (result, posted, _) = try await run(
            ["reference", "approve", "golden", "--sha256", other, "--reason", "x"])
        #expect(result.status == 3 && posted == nil)
        #expect(result.errorText.contains("next:"))
    }

    @Test("A key that is no P-256 key signs nothing, and says so")
    func otherKey() async throws {
        let (result, posted, _) = try await run(
            ["reference", "propose", "golden", "--reason", "x"], keyKind: ["rsa:2048"])
        #expect(result.status == 0 && posted?.signature == nil)
        #expect(result.errorText.contains("not signed"))
    }
}

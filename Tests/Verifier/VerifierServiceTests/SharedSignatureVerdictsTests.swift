import AttestationMessages
import ReferenceValues
import TPMCryptography
import TPMStructures
import Testing

@testable import VerifierService

@Suite("Signature checks, kept for the fleet")
struct SharedSignatureVerdictsTests {
    private func rules(_ exclude: [String]) throws -> CompiledRuntime {
        var runtime = ReferenceSet.Runtime(minimumEntries: 2)
        runtime.files = ["\(MessageDigest.hash([9], .sha256)) /bin/x"]
        runtime.exclude = exclude
        let set = ReferenceSet(
            name: "s", group: "g", provenance: [], banks: ["sha256"],
            layers: [.init(id: .tpmIdentity), .init(id: .runtime)], pcrs: [], runtime: runtime)
        return try #require(try CompiledReferences(set).runtime)
    }

    @Test("A check is made once for one signature over one digest under one set of rules, and again for any other")
    func once() throws {
        let shared = SharedSignatureVerdicts()
        let (first, second) = (try rules(["/tmp/**"]), try rules(["/var/**"]))
        let file = FileDigest(MessageDigest.hash([1], .sha256))
        var made = 0
        func ask(_ rules: CompiledRuntime, _ digest: FileDigest, _ signature: [UInt8]) -> SignatureVerdict {
            shared.keeping(rules).verdict(.attribute(signature), over: digest) {
                made += 1
                return .signer(made)
            }
        }
        #expect(ask(first, file, [3, 2]) == .signer(1))
        #expect(ask(first, file, [3, 2]) == .signer(1))
        #expect(ask(second, file, [3, 2]) == .signer(2))
        #expect(ask(first, FileDigest(MessageDigest.hash([2], .sha256)), [3, 2]) == .signer(3))
        #expect(ask(first, FileDigest(file.digest, isVerity: true), [3, 2]) == .signer(4))
        #expect(ask(first, file, [3, 3]) == .signer(5))
        #expect(ask(first, file, [3, 2]) == .signer(1) && made == 5)
    }
}

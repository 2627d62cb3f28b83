import ByteParsing
import ESAPI
import SoftwareTPM
import TPMStructures
import Testing

/// Keys, credentials and quotes against a real swtpm.
@Suite("Keys of a TPM", .enabled(if: SoftwareTPM.isAvailable, "needs swtpm and swtpm-tools"))
struct KeyTests {
    @Test(
        "Both EK kinds of swtpm activate a credential made for the AK",
        arguments: [
            EndorsementKeyKind.rsa2048, .eccP384,
        ])
    func activation(kind: EndorsementKeyKind) async throws {
        let swtpm = try SoftwareTPM()
        let tpm = try await TPM.open(tcti: swtpm.tcti)
        let ek = try await tpm.endorsementKey(kind)
        let ak = try await tpm.signingKey(.attestationP256, at: TPM.attestationKeyHandle)
        let (blob, secret) = try makeCredential([UInt8](7..<39), for: ek, name: ak.name)
        let recovered = try await tpm.activateCredential(
            endorsementKey: ek.handle, attestationKey: ak.handle, credentialBlob: blob, encryptedSecret: secret)
        #expect(recovered == [UInt8](7..<39))
        let handles = try await tpm.transientHandles()
        #expect(handles == [])
    }
}

func makeCredential(_ secret: [UInt8], for ek: ResidentKey, name: [UInt8]) throws -> ([UInt8], [UInt8]) {
    let work = try TemporaryDirectory()
    try work.write(ek.parsed.marshalledSized, to: "ek.pub")
    try work.write(secret, to: "secret")
    try runProcessSuccessfully(
        "tpm2_makecredential",
        [
            "-T", "none", "-u", work.file("ek.pub"), "-s", work.file("secret"), "-n", Hex.encode(name), "-o",
            work.file("c"),
        ])
    // magic, version, TPM2B_ID_OBJECT, TPM2B_ENCRYPTED_SECRET
    let bytes = try work.read("c")
    let blobSize = Int(bytes[8]) << 8 | Int(bytes[9])
    let blob = Array(bytes[10..<10 + blobSize])
    return (blob, Array(bytes[(12 + blobSize)...]))
}

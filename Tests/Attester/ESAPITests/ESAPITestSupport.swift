import ByteParsing
import ESAPI
import SoftwareTPM
import TPMCryptography
import TPMStructures
import Testing

/// Busy answers are retried at once: tests wait for nothing.
let quickRetry = RetryPolicy(pausesMilliseconds: [UInt32](repeating: 1, count: 14))

/// A credential that only this EK opens for an object of this name, made in software as the verifier does.
func challenge(_ secret: [UInt8], for ek: ResidentKey, name: [UInt8]) throws -> CredentialChallenge {
    var random = SystemRandomNumberGenerator()
    return try CredentialChallenge(
        secret, for: try #require(TPM2BName(name)), to: EndorsementKey(ek.parsed), using: &random)
}

extension TPM {
    func activate(_ challenge: CredentialChallenge, ek: ResidentKey, ak: ResidentKey) async throws -> [UInt8] {
        try activateCredential(
            endorsementKey: ek.handle, attestationKey: ak.handle, credentialBlob: challenge.credentialBlob,
            encryptedSecret: challenge.encryptedSecret)
    }
}

/// What a free-standing tool sees loaded, after the connection is closed: must be nothing.
func expectNothingLoaded(
    in swtpm: SoftwareTPM, after tpm: TPM, sourceLocation: SourceLocation = #_sourceLocation
) async throws {
    await tpm.close()
    for kind in ["handles-transient", "handles-loaded-session"] {
        let listed = try swtpm.tool("tpm2_getcap", [kind])
        #expect(listed.isEmpty, "\(kind)", sourceLocation: sourceLocation)
    }
}

func hasInfix(_ needle: [UInt8], in bytes: [UInt8]) -> Bool {
    guard bytes.count >= needle.count else { return false }
    return (0...bytes.count - needle.count).contains { bytes[$0..<$0 + needle.count].elementsEqual(needle) }
}

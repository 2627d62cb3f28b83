internal import AttestationMessages
internal import VerifierService

/// What the `platform` column of node rows says, decoded once for each text: every attestation reads its node's row.
final class SharedPlatforms: Sendable {
    private let decoded = BoundedCache<String, PlatformIdentity>(capacity: 8192)

    func decode(_ text: String) throws -> PlatformIdentity {
        if let known = decoded[text] { return known }
        let made = try JSONText.decode(PlatformIdentity.self, text)
        decoded.insert(made, for: text)
        return made
    }
}

package import TPMStructures

/// The keys that the agent makes for itself, all of them *primary* objects.
///
/// Why primaries of the endorsement hierarchy and not children of the EK: the counters in what they sign are in clear
/// (Part 1, "Clock and counter obfuscation": only owner and NULL keys are masked); the qualified name, which the
/// verifier must recompute, is H(TPM_RH_ENDORSEMENT ‖ name); and a primary is derived from the endorsement seed and its
/// template alone. So the same key comes back after an agent that was killed between any two commands, after a lost
/// handle and after TPM2_Clear, where a child would be lost with its parent's proof, and a node's identity with it.
/// Activation binds the AK to the EK; the qualified name says that both are of the same TPM's endorsement seed.
package enum SigningKeyTemplate: Hashable, Sendable {
    /// Attestation key, ECDSA P-256 with SHA-256 (default).
    case attestationP256
    /// Attestation key, RSASSA-2048 with SHA-256.
    case attestationRSA2048
    /// Signs for the node's TLS identity: ECDSA P-256, not restricted.
    case node
    /// Signs for this boot only: ECDSA P-256 under TPM_RH_NULL, gone at every TPM Reset.
    case boot

    /// fixedTPM, fixedParent, sensitiveDataOrigin, userWithAuth (empty), noDA and sign; AKs are restricted too.
    ///
    /// noDA: else a local user who guesses passwords locks the attestation out (AG-09).
    package var template: TPMTPublic {
        let unrestricted: TPMAObject = [
            .fixedTPM, .fixedParent, .sensitiveDataOrigin, .userWithAuth, .noDA, .sign,
        ]
        let restricted = unrestricted.union(.restricted)
        return switch self {
        case .attestationP256:
            TPMTPublic(nameAlgorithm: .sha256, attributes: restricted, key: Self.p256("bootgate attestation key v1"))
        case .attestationRSA2048:
            TPMTPublic(
                nameAlgorithm: .sha256, attributes: restricted,
                key: .rsa(
                    .init(
                        symmetric: .none, scheme: TPMTAsymScheme(.rsassa, .sha256), keyBits: 2048, exponent: 0,
                        modulus: Self.label("bootgate attestation key v1", 256))))
        case .node: TPMTPublic(nameAlgorithm: .sha256, attributes: unrestricted, key: Self.p256("bootgate node key v1"))
        case .boot: TPMTPublic(nameAlgorithm: .sha256, attributes: unrestricted, key: Self.p256("bootgate boot key v1"))
        }
    }

    /// Whether a public area is what this template gives: all of it but the key itself.
    func matches(_ publicArea: TPMTPublic) -> Bool {
        switch (publicArea.key, template.key) {
        case (.rsa(var actual), .rsa(let expected)):
            actual.modulus = expected.modulus
            return TPMTPublic(publicArea, replacing: .rsa(actual)) == template
        case (.ecc(var actual), .ecc(let expected)):
            actual.x = expected.x
            actual.y = expected.y
            return TPMTPublic(publicArea, replacing: .ecc(actual)) == template
        default: return false
        }
    }

    private static func p256(_ name: String) -> TPMTPublic.Key {
        .ecc(
            .init(
                symmetric: .none, scheme: TPMTAsymScheme(.ecdsa, .sha256), curve: .nistP256, x: label(name, 32),
                y: [UInt8](repeating: 0, count: 32)))
    }

    /// The template's unique field: keeps our keys apart from those that others derive from the same seed.
    private static func label(_ name: String, _ size: Int) -> [UInt8] {
        Array(name.utf8) + [UInt8](repeating: 0, count: size - name.utf8.count)
    }
}

extension TPMTPublic {
    fileprivate init(_ other: TPMTPublic, replacing key: Key) {
        self.init(
            nameAlgorithm: other.nameAlgorithm, attributes: other.attributes, authPolicy: other.authPolicy, key: key)
    }
}

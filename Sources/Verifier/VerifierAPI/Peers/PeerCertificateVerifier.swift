internal import AttestationMessages
internal import ByteParsing
internal import Crypto
internal import FoundationEssentials
internal import SwiftASN1
@_spi(FixedExpiryValidationTime) internal import X509

/// Turns the certificates of a handshake into a peer, or refuses them.
package enum PeerCertificateVerifier {
    /// Own certificate and issuers (AV-05); more are not looked at.
    static let longestChain = 6
    static let longestCertificate = 16 * 1024

    /// The main listener: path to a root of the peer's kind, dates by `now`, client authentication, one URI SAN.
    package static func peer(
        _ chain: [[UInt8]], trust: PeerTrust, nowMilliseconds: Int64
    ) async throws(PeerRefusal) -> PresentedPeer {
        let certificates = try parse(chain)
        let leaf = certificates[0]
        let uri = try bootgateURI(leaf)
        let roots: [Certificate]
        let identity: PresentedPeer.Identity
        let spki = try spki(leaf)
        if let id = uri.node {
            roots = trust.nodeRoots
            identity = .node(id, spki: spki)
        } else {
            roots = trust.operatorRoots
            identity = .person(name: uri.name, keySHA256: Hex.encode(SHA256.hash(data: spki)))
        }
        // First the leaf's own faults, so that the record of a refusal names what its holder can mend.
        let time = Date(timeIntervalSince1970: Double(nowMilliseconds) / 1000)
        guard time >= leaf.notValidBefore else { throw .notYetValid }
        guard time <= leaf.notValidAfter else { throw .expired }
        guard isForClients(leaf) else { throw .purpose }
        var verifier = Verifier(rootCertificates: CertificateStore(roots)) {
            RFC5280Policy(fixedExpiryValidationTime: time)
            ClientAuthenticationPolicy()
        }
        let result = await verifier.validate(
            leaf: leaf, intermediates: CertificateStore(certificates.dropFirst()))
        guard case .validCertificate(let path) = result else { throw .path }
        guard !trust.revocations.contain(path) else { throw .revoked }
        let start = path.map(\.notValidBefore).max().map(milliseconds) ?? .max
        let end = path.map(\.notValidAfter).min().map(milliseconds) ?? .min
        guard start <= end else { throw .path }
        return PresentedPeer(identity, validity: start...end, certificates: uri.node == nil ? chain : [])
    }

    /// The enrollment listener: one certificate over a P-256 key, signed by that key: proof of possession, nothing else.
    /// Its dates come from the node's clock and are not looked at.
    package static func keyHolder(_ chain: [[UInt8]]) throws(PeerRefusal) -> PresentedPeer {
        guard chain.count == 1 else { throw .chainLength }
        let certificate = try parse(chain)[0]
        guard P256.Signing.PublicKey(certificate.publicKey) != nil else { throw .keyKind }
        guard certificate.publicKey.isValidSignature(certificate.signature, for: certificate) else { throw .signature }
        return PresentedPeer(.keyHolder(spki: try spki(certificate)), validity: nil)
    }

    private static func parse(_ chain: [[UInt8]]) throws(PeerRefusal) -> [Certificate] {
        guard (1...longestChain).contains(chain.count) else { throw .chainLength }
        var certificates: [Certificate] = []
        for der in chain {
            guard der.count <= longestCertificate, let certificate = try? Certificate(derEncoded: der) else {
                throw .malformed
            }
            certificates.append(certificate)
        }
        return certificates
    }

    /// Exactly one alternative name, `bootgate://node/<id>` or `bootgate://operator/<name>`.
    private static func bootgateURI(_ leaf: Certificate) throws(PeerRefusal) -> (node: NodeID?, name: String) {
        guard let names = try? leaf.extensions.subjectAlternativeNames else { throw .name }
        let uris = names.compactMap { name in
            if case .uniformResourceIdentifier(let uri) = name { uri } else { nil as String? }
        }
        guard uris.count == 1, let uri = uris.first else { throw .name }
        let nodePrefix = "bootgate://node/"
        let operatorPrefix = "bootgate://operator/"
        if uri.hasPrefix(nodePrefix), let id = NodeID(String(uri.dropFirst(nodePrefix.count))) {
            return (id, id.rawValue)
        }
        let name = String(uri.dropFirst(operatorPrefix.count))
        guard uri.hasPrefix(operatorPrefix), ParameterPattern.isName(name) else { throw .name }
        return (nil, name)
    }

    /// The certificate must say that it is for client authentication (TA-02).
    fileprivate static func isForClients(_ leaf: Certificate) -> Bool {
        (try? leaf.extensions.extendedKeyUsage)?.contains(.clientAuth) == true
    }

    private static func spki(_ certificate: Certificate) throws(PeerRefusal) -> [UInt8] {
        var serializer = DER.Serializer()
        do {
            try serializer.serialize(certificate.publicKey)
        } catch {
            throw .malformed
        }
        return serializer.serializedBytes
    }

    private static func milliseconds(_ date: Date) -> Int64 {
        Int64(exactly: (date.timeIntervalSince1970 * 1000).rounded()) ?? .min
    }
}

/// The leaf must be for client authentication, and say so (TA-02).
private struct ClientAuthenticationPolicy: VerifierPolicy {
    let verifyingCriticalExtensions: [ASN1ObjectIdentifier] = [
        .X509ExtensionID.extendedKeyUsage, .X509ExtensionID.subjectAlternativeName, .X509ExtensionID.keyUsage,
    ]

    mutating func chainMeetsPolicyRequirements(chain: UnverifiedCertificateChain) async -> PolicyEvaluationResult {
        guard PeerCertificateVerifier.isForClients(chain.leaf) else {
            return .failsToMeetPolicy(reason: "the certificate is not for client authentication")
        }
        if let usage = try? chain.leaf.extensions.keyUsage, !usage.digitalSignature {
            return .failsToMeetPolicy(reason: "the key may not sign")
        }
        for issuer in chain.dropFirst() {
            if let usage = try? issuer.extensions.keyUsage, !usage.keyCertSign {
                return .failsToMeetPolicy(reason: "an issuer's key may not sign certificates")
            }
        }
        return .meetsPolicy
    }
}

/// Why a handshake's certificates were refused.
package enum PeerRefusal: String, Error, Hashable, Sendable, CaseIterable {
    case noCertificate, chainLength, malformed, keyKind, signature, name, notYetValid, expired, purpose, path, revoked
}

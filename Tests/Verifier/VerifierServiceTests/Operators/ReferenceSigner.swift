import AttestationMessages
import AttestationTestKit
import ByteParsing
import Crypto
import Foundation
import StubVerifier
import TPMCryptography
import VerifierService
import X509

/// An operator with a certificate, as the handshake shows it, who signs acts on reference sets.
struct ReferenceSigner: Sendable {
    let peer: OperatorPeer
    /// Of the certificate.
    var serialNumber: [UInt8] {
        (try? OpenSSLCertificate(der: peer.certificates[0]))?.serialNumber ?? []
    }
    private let sign: @Sendable ([UInt8]) throws -> [UInt8]

    init(
        _ name: String, of authority: StubAuthority, key: P256.Signing.PrivateKey = P256.Signing.PrivateKey(),
        notBefore: Date? = nil, notAfter: Date? = nil
    ) throws {
        peer = try Self.peer(
            name, authority, Certificate.PublicKey(key.publicKey), Array(key.publicKey.derRepresentation), notBefore,
            notAfter)
        sign = { Array(try key.signature(for: $0).rawRepresentation) }
    }

    /// Of another curve than reference sets are signed with.
    init(_ name: String, of authority: StubAuthority, p384 key: P384.Signing.PrivateKey) throws {
        peer = try Self.peer(
            name, authority, Certificate.PublicKey(key.publicKey), Array(key.publicKey.derRepresentation), nil, nil)
        sign = { Array(try key.signature(for: $0).rawRepresentation) }
    }

    private static func peer(
        _ name: String, _ authority: StubAuthority, _ key: Certificate.PublicKey, _ spki: [UInt8], _ notBefore: Date?,
        _ notAfter: Date?
    ) throws -> OperatorPeer {
        let certificate = try authority.issue(
            key, names: [.uniformResourceIdentifier("bootgate://operator/\(name)")], notBefore: notBefore,
            notAfter: notAfter)
        return OperatorPeer(
            name: name, roles: Set(Role.allCases), keySHA256: Hex.encode(SHA256.hash(data: spki)),
            source: "192.0.2.1", certificates: [try StubAuthority.der(certificate)])
    }

    func signature(_ act: ReferenceAct, version: Int, document: [UInt8]) throws -> [UInt8] {
        try sign(ProtocolBinding.reference(act: act, version: version, document: document))
    }

    /// As the store keeps it.
    func record(
        _ act: ReferenceAct, on set: ReferenceRecord, over document: [UInt8]? = nil, at milliseconds: Int64
    ) throws -> ReferenceSignatureRecord {
        ReferenceSignatureRecord(
            name: set.name, version: set.version, act: act, signer: peer.name, certificates: peer.certificates,
            signature: try signature(act, version: set.version, document: document ?? set.document),
            atMilliseconds: milliseconds)
    }

    func stored(active: Bool = true) -> OperatorRecord {
        OperatorRecord(
            name: peer.name, roles: peer.roles, keySHA256: peer.keySHA256, active: active, addedBy: "test",
            addedAtMilliseconds: 0)
    }
}

extension StubAuthority {
    func revocationList(_ entries: [RevocationListWriter.Entry]) throws -> OpenSSLRevocationList {
        try OpenSSLRevocationList(
            der: RevocationListWriter.der(entries, issuer: certificate.subject, key: signingKey))
    }

    /// What operators' files say when this is their CA.
    func trust(revoking entries: [RevocationListWriter.Entry] = []) throws -> OperatorTrust.Content {
        OperatorTrust.Content(
            roots: [try Self.der(certificate)], revocationLists: entries.isEmpty ? [] : [try revocationList(entries)])
    }
}

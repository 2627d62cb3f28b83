internal import SwiftASN1
package import TPMCryptography
package import X509

/// What external CAs have revoked, from the lists in files (RFC 5280, section 5). A list is fetched by the operator:
/// no address in a certificate is ever followed. A list holds until its file is replaced and reloaded.
package struct PeerRevocations: Sendable {
    private struct Entry: Hashable {
        /// DER name.
        var issuer: [UInt8]
        /// Big-endian magnitude without leading zeros.
        var serialNumber: [UInt8]
    }
    private var entries: Set<Entry> = []

    package init() {}

    /// - Parameters:
    ///   - text: PEM blocks `X509 CRL`, at least one.
    ///   - issuers: the certificates that may have signed them.
    /// - Throws: for a block of another kind, a malformed list, and a list that none of the issuers signed: a list that
    ///   cannot be believed must not look like one that revokes nothing.
    package mutating func add(pem text: String, issuers: [Certificate]) throws {
        for list in try Self.lists(pem: text) {
            let isBelieved = try issuers.contains { issuer in
                try Self.der(issuer.subject) == list.issuer && list.isSigned(byKey: Self.der(issuer.publicKey))
            }
            guard isBelieved else { throw PeerRevocationError.unknownIssuer }
            for serial in list.revocations.keys {
                entries.insert(Entry(issuer: list.issuer, serialNumber: Self.magnitude(serial)))
            }
        }
    }

    /// The lists of a file as they are: nobody's signature on them is checked.
    ///
    /// - Throws: for a text without a block `X509 CRL`, a block of another kind, and a malformed list.
    package static func lists(pem text: String) throws -> [OpenSSLRevocationList] {
        let documents = try PEMDocument.parseMultiple(pemString: text)
        guard !documents.isEmpty else { throw PeerRevocationError.noList }
        return try documents.map { document in
            guard document.discriminator == "X509 CRL" else { throw PeerRevocationError.noList }
            return try OpenSSLRevocationList(der: document.derBytes)
        }
    }

    /// Whether any certificate of the path, its root aside, is on its issuer's list. A name that cannot be encoded counts
    /// as revoked.
    func contain(_ path: some Collection<Certificate>) -> Bool {
        guard !entries.isEmpty else { return false }
        return path.dropLast().contains { certificate in
            guard let issuer = try? Self.der(certificate.issuer) else { return true }
            return entries.contains(
                Entry(issuer: issuer, serialNumber: Self.magnitude(certificate.serialNumber.bytes)))
        }
    }

    private static func magnitude(_ bytes: some Collection<UInt8>) -> [UInt8] { Array(bytes.drop { $0 == 0 }) }

    private static func der(_ value: some DERSerializable) throws -> [UInt8] {
        var serializer = DER.Serializer()
        try serializer.serialize(value)
        return serializer.serializedBytes
    }
}

package enum PeerRevocationError: Error, CustomStringConvertible {
    case noList, unknownIssuer

    package var description: String {
        switch self {
        case .noList: "holds something else than PEM blocks X509 CRL"
        case .unknownIssuer: "a revocation list is signed by none of the named roots"
        }
    }
}

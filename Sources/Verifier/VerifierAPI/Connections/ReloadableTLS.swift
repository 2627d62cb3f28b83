package import NIOSSL
internal import Synchronization

/// What the listeners present and trust.
package struct TLSMaterial: Sendable {
    /// Own certificate first.
    package var certificateChain: [NIOSSLCertificate]
    package var privateKey: NIOSSLPrivateKey
    package var trust: PeerTrust

    package init(certificateChain: [NIOSSLCertificate], privateKey: NIOSSLPrivateKey, trust: PeerTrust) {
        self.certificateChain = certificateChain
        self.privateKey = privateKey
        self.trust = trust
    }
}

/// The TLS material in use. Every connection takes what is current when it arrives, in a context of its own: a session
/// ticket of one connection therefore opens no other (TA-04; NIOSSL has no switch for tickets), and a replacement holds
/// from the next connection on.
package final class ReloadableTLS: Sendable {
    private let current: Mutex<TLSMaterial>

    /// - Throws: when a context cannot be made of `material`: a key that is not the certificate's, say.
    package init(_ material: TLSMaterial) throws {
        _ = try Self.context(material, .main)
        current = Mutex(material)
    }

    /// - Throws: as ``init(_:)``; then the last good material stays (AV-09).
    package func replace(with material: TLSMaterial) throws {
        _ = try Self.context(material, .main)
        current.withLock { $0 = material }
    }

    package var material: TLSMaterial { current.withLock { $0 } }

    func context(for listener: ListenerKind) throws -> (NIOSSLContext, PeerTrust) {
        let material = material
        return (try Self.context(material, listener), material.trust)
    }

    private static func context(_ material: TLSMaterial, _ listener: ListenerKind) throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: material.certificateChain.map { .certificate($0) },
            privateKey: .privateKey(material.privateKey))
        configuration.minimumTLSVersion = .tlsv13
        configuration.applicationProtocols = ["http/1.1"]
        // Verification itself is ours (``PeerCertificateVerifier``); the roots here only have to be no system store.
        configuration.trustRoots = .certificates([])
        // On both listeners no request is read before a certificate was shown (TA-01).
        configuration.certificateVerification = .noHostnameVerification
        return try NIOSSLContext(configuration: configuration)
    }
}

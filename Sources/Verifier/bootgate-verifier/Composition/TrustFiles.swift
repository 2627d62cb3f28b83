internal import Admission
internal import NIOSSL
internal import VerifierAPI
internal import VerifierService
internal import X509

/// Reads what the listeners present and trust from the files.
struct TrustFiles {
    let configuration: VerifierConfiguration

    func load() throws -> TLSMaterial {
        let data = configuration.data
        let certificateFile = configuration.serverCertificateFile ?? data.serverCertificate
        let keyFile = configuration.serverKeyFile ?? data.serverKey
        let chain = try NIOSSLCertificate.fromPEMBytes(Array(FileAccess.text(certificateFile).utf8))
        let key = try NIOSSLPrivateKey(bytes: Array(FileAccess.secret(keyFile).utf8), format: .pem)
        var trust = PeerTrust(
            nodeRoots: try roots([data.authorityCertificate(.identity)] + configuration.nodeRootFiles),
            operatorRoots: try roots([data.authorityCertificate(.operator)] + configuration.operatorRootFiles))
        for file in configuration.revocationListFiles {
            do {
                try trust.revocations.add(
                    pem: FileAccess.text(file), issuers: trust.nodeRoots + trust.operatorRoots)
            } catch let problem as FileProblem {
                throw problem
            } catch {
                throw FileProblem(path: file, reason: "\(error)")
            }
        }
        return TLSMaterial(certificateChain: chain, privateKey: key, trust: trust)
    }

    /// The certificates whose end stops the fleet (TA-21), each under its name.
    func watched() throws -> [(name: String, certificate: Certificate)] {
        let data = configuration.data
        let server = configuration.serverCertificateFile ?? data.serverCertificate
        let own = CertificateAuthority.Purpose.allCases.map { purpose in
            ("\(purpose.rawValue)-ca", data.authorityCertificate(purpose))
        }
        let issued = try ([("server", server)] + own).flatMap { name, file in
            try certificates(file).prefix(1).map { (name, $0) }
        }
        let external = [("node-root", configuration.nodeRootFiles), ("operator-root", configuration.operatorRootFiles)]
        return try issued
            + external.flatMap { name, files in
                try files.flatMap { file in try certificates(file).map { ("\(name) \(file)", $0) } }
            }
    }

    /// The CAs whose certificates operators hold: what signatures of reference sets must lead to, and what they revoked.
    func operatorTrust() throws -> OperatorTrust.Content {
        let lists = try configuration.revocationListFiles.flatMap { file in
            do {
                return try PeerRevocations.lists(pem: FileAccess.text(file))
            } catch let problem as FileProblem {
                throw problem
            } catch {
                throw FileProblem(path: file, reason: "\(error)")
            }
        }
        return OperatorTrust.Content(
            roots: try roots([configuration.data.authorityCertificate(.operator)] + configuration.operatorRootFiles)
                .map(CertificateEncoding.der), revocationLists: lists)
    }

    private func roots(_ files: [String]) throws -> [Certificate] { try files.flatMap(certificates) }

    private func certificates(_ file: String) throws -> [Certificate] {
        do {
            return try CertificateEncoding.certificates(pem: FileAccess.text(file))
        } catch let problem as FileProblem {
            throw problem
        } catch {
            throw FileProblem(path: file, reason: "\(error)")
        }
    }
}

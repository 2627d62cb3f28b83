internal import ByteParsing
internal import Crypto

extension ClientCredentials {
    /// An ECDSA signature with P-256 and SHA-256, r ‖ s, by the private key that the handshake uses.
    ///
    /// - Returns: nil for a key of another kind, which cannot sign reference sets.
    /// - Throws: `configuration` for a key file that holds no unencrypted private key.
    func signature(over message: [UInt8]) throws(VerifierClientError) -> [UInt8]? {
        guard case .pem(_, let file) = self else { return nil }
        let block = try Self.privateKey(file)
        guard let key = try? P256.Signing.PrivateKey(derRepresentation: block) else { return nil }
        do {
            return Array(try key.signature(for: message).rawRepresentation)
        } catch {
            throw VerifierClientError(.configuration, "the private key does not sign: \(error)")
        }
    }

    /// DER of the first private key, PKCS #8 or SEC 1; other blocks, such as EC PARAMETERS, stand beside it.
    private static func privateKey(_ file: [UInt8]) throws(VerifierClientError) -> [UInt8] {
        let text = String(decoding: file, as: UTF8.self)
        for label in ["PRIVATE KEY", "EC PRIVATE KEY"] {
            do throws(ParsingError) {
                if let block = try PEM.blocks(text, label: label).first { return block }
            } catch {
                throw VerifierClientError(.configuration, "the private key's file: \(error)")
            }
        }
        throw VerifierClientError(.configuration, "the private key's file holds no unencrypted private key")
    }
}

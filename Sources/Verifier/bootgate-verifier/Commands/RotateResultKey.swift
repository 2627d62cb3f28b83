internal import Admission
internal import ArgumentParser
internal import Crypto

struct RotateResultKey: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate-result-key", abstract: "Makes a new key for attestation results (EAR).",
        discussion: """
            The key set goes on serving the key before, so that results signed with it stay checkable. \
            Send SIGHUP to the running verifier afterwards.

            EXAMPLES
              bootgate-verifier rotate-result-key && systemctl kill -s HUP bootgate-verifier
            """)

    @OptionGroup var options: ConfigurationOptions

    func run() throws {
        let data = try options.read().data
        let (current, _) = try data.resultSigningKey()
        let suffix = ".new"
        try FileAccess.create(
            data.previousResultKey + suffix, current.publicKey.pemRepresentation + "\n", mode: 0o644)
        let fresh = P256.Signing.PrivateKey()
        try FileAccess.create(data.resultKey + suffix, fresh.pemRepresentation + "\n", mode: 0o600)
        try FileAccess.rename(data.previousResultKey + suffix, to: data.previousResultKey)
        try FileAccess.rename(data.resultKey + suffix, to: data.resultKey)
        print(JSONWebKey(fresh.publicKey, forVerification: true).kid ?? "")
    }
}

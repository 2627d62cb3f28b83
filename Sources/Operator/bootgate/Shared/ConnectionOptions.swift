import ArgumentParser
import AttestationMessages
import VerifierClient

/// Where the verifier is and who the caller is, for every online verb.
struct ConnectionOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The verifier's main listener, https://host[:port].", valueName: "url"))
    var verifier: String?
    @Option(name: .customLong("ca-file"), help: ArgumentHelp("PEM file with the verifier's CA.", valueName: "file"))
    var caFile: String?
    @Option(help: ArgumentHelp("Your client certificate, PEM.", valueName: "file"))
    var certificate: String?
    @Option(help: ArgumentHelp("Your private key, PEM, mode 0600.", valueName: "file"))
    var key: String?
    @Option(help: ArgumentHelp("A configuration file in place of the usual places.", valueName: "file"))
    var config: String?

    func client() throws -> VerifierClient {
        let settings = try Settings.load(from: config, flags: self)
        let endpoint = try VerifierEndpoint(
            url: settings.url, caFile: settings.caFile, name: settings.name, pins: settings.pins)
        return VerifierClient(
            endpoint: endpoint,
            credentials: try .file(certificate: settings.certificate, key: settings.key),
            userAgent: "bootgate/\(SoftwareVersion.text)")
    }
}

import ArgumentParser
import AssetFingerprints
import AttestationMessages
import VerifierClient

struct FingerprintSchedule: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schedule",
        abstract: "Show or set how often a group's nodes collect and attest; followed without a restart.",
        discussion: """
            The group default holds for nodes without one.

            EXAMPLES
              bootgate fingerprint schedule mec
              bootgate fingerprint schedule mec --kind accounts --every 3600
              bootgate fingerprint schedule mec --attest-every 120 --difference deny
            """)
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "Group.") var group: String
    @Option(help: "Kind of fingerprint to set.") var kind: FingerprintKind?
    @Option(help: "Seconds between two collections of that kind.") var every: Int?
    @Option(help: "Seconds between two attestations.") var attestEvery: Int?
    @Option(help: "What a difference to the baseline does: warn or deny.") var difference: String?
    @Option(help: "What a dbx or SBAT level older than the imported revocations does: warn or fail.")
    var staleRevocations: String?
    @Flag(help: "Print what would be set, set nothing.") var dryRun = false

    func validate() throws {
        if (kind == nil) != (every == nil) { throw ValidationError("--kind and --every belong together") }
    }

    func run() async throws {
        let client = try connection.client()
        var settings = try await client.settings(group: group)
        if let kind, let every { settings.fingerprintIntervals[kind] = every }
        if let attestEvery { settings.attestationIntervalSeconds = attestEvery }
        if let difference { settings.fingerprintDifference = difference }
        if let staleRevocations { settings.staleRevocations = staleRevocations }
        let changes = every != nil || attestEvery != nil || difference != nil || staleRevocations != nil
        let result = changes && !dryRun ? try await client.setSettings(group: group, settings) : settings
        try output.write(result) {
            var table = TextTable("WHAT", "EVERY")
            table.add("attestation", "\(result.attestationIntervalSeconds) s")
            for kind in FingerprintKind.allCases {
                table.add(kind.slug, result.fingerprintIntervals[kind].map { "\($0) s" })
            }
            table.add("difference to the baseline", result.fingerprintDifference)
            table.add("stale dbx or SBAT level", result.staleRevocations ?? "warn")
            return table.text
        }
    }
}

import ArgumentParser

struct FingerprintCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fingerprint", abstract: "Asset fingerprints: ports, software, processes, accounts.",
        discussion: """
            Kinds: listening-ports, software-assets, running-processes, accounts.

            EXAMPLES
              bootgate fingerprint show edge-01 listening-ports
              bootgate fingerprint schedule mec --kind accounts --every 3600
              bootgate fingerprint baseline propose mec listening-ports --from-node edge-01
              bootgate fingerprint diff edge-01 listening-ports
            """,
        subcommands: [
            FingerprintShow.self, FingerprintHistory.self, FingerprintDiff.self, FingerprintBaseline.self,
            FingerprintSchedule.self,
        ])
}

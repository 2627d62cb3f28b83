import ArgumentParser
import AttestationMessages

/// The operators' command. One folder for each noun, one file for each verb or family of verbs.
@main
struct BootgateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bootgate",
        abstract: "Decide, from a TPM's word alone, whether an unattended server may join the network.",
        discussion: """
            Online nouns talk to the verifier with your client certificate; inspect and appraise work offline.
            Settings: /etc/bootgate/bootgate.toml, ~/.config/bootgate/bootgate.toml, BOOTGATE_* variables, flags; the \
            later wins.

            Exit codes: 0 done or verdict pass, 2 verdict fail, 75 verdict error, 3 refused by a safety check, 4 local \
            precondition, 5 tampering found, 6 store unusable, 64 usage, 65 input malformed, 69 verifier unreachable, \
            77 not allowed, 78 configuration wrong, 70 internal error.

            EXAMPLES
              bootgate node list --state untrusted
              bootgate node explain edge-01
              bootgate inspect eventlog /sys/kernel/security/tpm0/binary_bios_measurements
            """,
        version: SoftwareVersion.text,
        subcommands: [
            NodeCommand.self, ReferenceCommand.self, PlanCommand.self, FingerprintCommand.self, AlarmCommand.self,
            SIEMCommand.self,
            OperatorCommand.self, AuditCommand.self, AdmissionCommand.self, VerifierCommand.self,
            InspectCommand.self, AppraiseCommand.self,
        ])

    static func main() async {
        do {
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch {
            Failure.exit(for: error)
        }
    }
}

import ArgumentParser

struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect", abstract: "Look into a piece of evidence. Offline: no verifier, no TPM, no network.",
        discussion: """
            Reads, checks and prints; judges nothing against references. A truncated or malformed input ends with exit code \
            65 and names field, offset and limit.

            EXAMPLES
              bootgate inspect eventlog /sys/kernel/security/tpm0/binary_bios_measurements
              bootgate inspect ima /sys/kernel/security/ima/binary_runtime_measurements --pcrs pcrs.yaml
              bootgate inspect quote --attest quote.msg --signature quote.sig --ak ak.pub --nonce 4dc7… --pcrs quote.pcrs
              bootgate inspect ek-certificate ek.der --roots ReferenceValues/endorsements/roots
              bootgate inspect public ak.pub
              bootgate inspect evidence bundle.json
              bootgate inspect signature-list dbxupdate_x64.bin
              bootgate inspect ima-policy /etc/ima/ima-policy
            """,
        subcommands: [
            InspectEventLog.self, InspectIMA.self, InspectQuote.self, InspectEKCertificate.self, InspectPublic.self,
            InspectEvidence.self, InspectSignatureList.self, InspectIMAPolicy.self,
        ])
}

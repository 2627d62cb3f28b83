import Appraisal
import AttestationTestKit
import ReferenceValues
import TCGEventLog
import TPMCryptography
import TPMStructures

/// A log and a quote that agree: the catalogue's `seal`, in software.
struct SealedMachine {
    static let key = SoftwareAK.p256()
    var eventLog: [UInt8]
    var pcrs: AttestedPCRs

    /// - Parameter edit: changes what the registers hold after the log, as a running system could.
    init(
        _ builder: EventLogBuilder, quoting banks: Set<PCRBank> = [.sha256], startupLocality: UInt8 = 0,
        edit: (inout PCRValues) -> Void = { _ in }
    ) throws {
        eventLog = builder.bytes
        var values = builder.sealed(startupLocality: startupLocality)
        edit(&values)
        let selection = TPMLPCRSelection(.all, banks: banks)
        let signed = try Self.key.quote(extraData: [1, 2, 3], selection: selection, values: values)
        pcrs = try UnverifiedQuote(attest: signed.attest, signature: signed.signature)
            .verify(
                with: AttestationKey(Self.key.publicArea),
                expecting: QuoteExpectation(offlineExtraData: [1, 2, 3], selection: selection, signers: nil)
            )
            .attest(values)
    }

    func input(at milliseconds: Int64 = 0, fingerprints: [Finding]? = nil) -> AppraisalInput {
        AppraisalInput(
            identityFindings: [], pcrs: pcrs, eventLog: eventLog, fingerprintFindings: fingerprints, reference: nil,
            referenceStatus: .approved, labMode: false, identity: .enrolled, binding: .evidence,
            atMilliseconds: milliseconds)
    }

    func appraise(
        _ references: ReferenceSet, policy: AppraisalPolicy = .strict, at milliseconds: Int64 = 0
    ) throws -> AttestationResult {
        Appraiser(references: try CompiledReferences(references), policy: policy).appraise(input(at: milliseconds))
    }

    func captured() throws -> ReferenceSet {
        try ReferenceCapture.draft(
            name: "honest", group: "lab",
            from: [ReferenceCapture.Source(pcrs: pcrs, eventLog: eventLog, label: "honest")])
    }
}

extension EventLogBuilder {
    /// The honest boot with a kernel command line.
    static func honestWithCommandLine(_ line: String = "/boot/vmlinuz root=/dev/sda1 ima_policy=tcb quiet")
        -> EventLogBuilder
    {
        var builder = EventLogBuilder.honest()
        builder.append(8, .ipl, Array("kernel_cmdline: \(line)".utf8) + [0], measuring: Array(line.utf8))
        return builder
    }
}

import Appraisal
import ReferenceValues
import TCGEventLog
import TPMCryptography
import TPMStructures
import TestVectors

/// A variant of the measured boots, its quote verified with its own key.
struct BootedMachine {
    let pcrs: AttestedPCRs
    let eventLog: [UInt8]?

    init(_ vector: MeasuredBootVector) throws {
        let key = try AttestationKey(TPMTPublic(tpm2bPublic: try vector.attestationKeyPublic))
        let quote = try UnverifiedQuote(attest: try vector.quoteMessage, signature: try vector.quoteSignature)
            .verify(
                with: key,
                expecting: QuoteExpectation(
                    offlineExtraData: try vector.qualifyingData, selection: nil, signers: nil))
        var values = PCRValues()
        for (bank, registers) in try vector.pcrs {
            for (index, hex) in registers {
                guard let pcr = PCRIndex(index), let digest = Digest("\(bank):\(hex)") else { continue }
                values.set(digest, bank: digest.algorithm, index: pcr)
            }
        }
        pcrs = try quote.attest(values)
        eventLog = try? vector.eventLog
    }

    func input(_ eventLog: [UInt8]? = nil, at milliseconds: Int64 = 0) -> AppraisalInput {
        AppraisalInput(
            identityFindings: [], pcrs: pcrs, eventLog: eventLog ?? self.eventLog, fingerprintFindings: nil,
            reference: nil, referenceStatus: .draft, labMode: false, identity: .assumed, binding: .nonceOnly,
            atMilliseconds: milliseconds)
    }

    func appraise(_ references: ReferenceSet, policy: AppraisalPolicy = .strict) throws -> AttestationResult {
        Appraiser(references: try CompiledReferences(references), policy: policy).appraise(input())
    }

    var source: ReferenceCapture.Source {
        ReferenceCapture.Source(pcrs: pcrs, eventLog: eventLog ?? [], label: "test")
    }
}

extension ReferenceSet {
    static func golden() throws -> ReferenceSet {
        try ReferenceCapture.draft(
            name: "golden", group: "lab", from: [BootedMachine(TestVectors.golden).source])
    }
}

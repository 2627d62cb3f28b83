import Appraisal
import ByteParsing
import ReferenceValues
import TPMCryptography
import TPMStructures

/// Verifies a quote that nobody challenged. Whatever is wrong is a finding of layer 1.
struct QuoteCheck {
    private(set) var findings: [Finding] = []
    private(set) var quote: VerifiedQuote?
    private(set) var pcrs: AttestedPCRs?
    private(set) var key: KeyFile?

    /// - Parameter enrolledKey: the key that the node is known by; nil takes the evidence's own.
    init(_ evidence: OfflineEvidence, enrolledKey: KeyFile? = nil) { check(evidence, enrolledKey) }

    private mutating func check(_ evidence: OfflineEvidence, _ enrolledKey: KeyFile?) {
        guard let attest = evidence.attest else { return miss("the quote (quote.msg)") }
        guard let signature = evidence.signature else { return miss("the quote's signature (quote.sig)") }
        guard let nonce = evidence.nonce else { return miss("the nonce that the quote answers (nonce)") }
        guard let key = enrolledKey ?? parseKey(evidence) else { return }
        self.key = key
        do throws(ParsingError) {
            let parsed = try SignatureFile.parse(signature, key: key)
            let unverified = try UnverifiedQuote(attest: attest, signature: parsed.marshalled)
            verify(unverified, key, nonce)
        } catch {
            findings.append(
                Finding("QUOTE_MALFORMED", .none, .tpmIdentity, detail: "quote or signature: \(error)"))
        }
        guard let quote else { return }
        guard let values = evidence.pcrs else { return miss("register values (quote.pcrs)") }
        do throws(QuoteRefusal) {
            pcrs = try quote.attest(values)
        } catch {
            findings += Finding.all(of: error)
        }
    }

    private mutating func miss(_ what: String) {
        findings.append(
            Finding(FindingID.evidenceMissing, .none, .tpmIdentity, detail: "the evidence lacks \(what)"))
    }

    private mutating func parseKey(_ evidence: OfflineEvidence) -> KeyFile? {
        guard let bytes = evidence.attestationKey else {
            miss("the attestation key (ak.pub)")
            return nil
        }
        do throws(ParsingError) {
            return try KeyFile.parse(bytes)
        } catch {
            findings.append(Finding("ID_AK_MALFORMED", .none, .tpmIdentity, detail: "attestation key: \(error)"))
            return nil
        }
    }

    private mutating func verify(_ unverified: UnverifiedQuote, _ key: KeyFile, _ nonce: [UInt8]) {
        let expectation = QuoteExpectation(offlineExtraData: nonce, selection: nil, signers: nil)
        switch key {
        case .area(let area):
            do throws(AttestationKeyRefusal) {
                let attestationKey = try AttestationKey(area)
                do throws(QuoteRefusal) {
                    quote = try unverified.verify(with: attestationKey, expecting: expectation)
                } catch {
                    findings += Finding.all(of: error)
                }
            } catch {
                findings += Finding.all(of: error)
            }
        case .bare(let bare):
            findings.append(
                Finding(
                    "ID_AK_ATTRS", .none, .tpmIdentity,
                    detail: "a bare public key: nothing says that a TPM restricts it to its own statements"))
            do throws(QuoteRefusal) {
                quote = try unverified.verify(withUnattestedKey: bare, expecting: expectation)
            } catch {
                findings += Finding.all(of: error)
            }
        }
    }
}

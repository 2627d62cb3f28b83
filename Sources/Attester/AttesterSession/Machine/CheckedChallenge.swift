internal import AssetFingerprints
package import AttestationMessages
internal import AttestingEnvironment
package import TPMStructures

/// A challenge that the agent is willing to answer (catalogue TA-19): a stolen verifier can make the node quote its
/// registers over 32 bytes, and nothing else.
package struct CheckedChallenge: Sendable {
    /// A week, in seconds: no interval is longer.
    package static let longestInterval = 7 * 86_400
    /// Seconds: no kind of fingerprint is collected more often.
    package static let shortestFingerprintInterval = 10
    /// Bytes.
    static let longestMeasurementList = MeasurementListFile.limit
    static let maxIdentifierLength = 128

    package let challenge: AttestationChallenge
    package let nonce: [UInt8]
    package let selection: TPMLPCRSelection

    /// - Throws: ``SessionFailure`` with the code `AGENT_BAD_CHALLENGE`.
    package init(_ challenge: AttestationChallenge) throws(SessionFailure) {
        func refuse(_ reason: String) -> SessionFailure {
            SessionFailure(.badChallenge, code: "AGENT_BAD_CHALLENGE", message: reason)
        }
        nonce = challenge.nonce.bytes
        guard nonce.count == AttestationChallenge.nonceSize else { throw refuse("the nonce has \(nonce.count) bytes") }
        guard Self.isIdentifier(challenge.challengeID) else { throw refuse("the challenge's id is no identifier") }
        guard (1...86_400).contains(challenge.expiresInSeconds) else {
            throw refuse("the nonce lives \(challenge.expiresInSeconds) s")
        }
        guard (1...Self.longestInterval).contains(challenge.attestationIntervalSeconds) else {
            throw refuse("the attestation interval is \(challenge.attestationIntervalSeconds) s")
        }
        for (kind, seconds) in challenge.fingerprintIntervals
        where !(Self.shortestFingerprintInterval...31 * 86_400).contains(seconds) {
            throw refuse("the interval of \(kind.slug) is \(seconds) s")
        }
        if let offset = challenge.measurementListOffset {
            guard (0...Self.longestMeasurementList).contains(offset) else {
                throw refuse("the measurement list is wanted from byte \(offset)")
            }
        }
        do { selection = try TPMLPCRSelection(marshalled: challenge.pcrSelection.bytes) } catch {
            throw refuse("the selection: \(error)")
        }
        guard !selection.selections.isEmpty else { throw refuse("the selection names no bank") }
        if let empty = selection.selections.first(where: \.pcrs.isEmpty) {
            throw refuse("the selection of \(empty.bank) is empty")
        }
        self.challenge = challenge
    }

    /// What may stand in a path and in a log line.
    static func isIdentifier(_ text: String) -> Bool {
        (1...maxIdentifierLength).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
                    UInt8(ascii: ":"):
                    true
                default: false
                }
            }
    }
}

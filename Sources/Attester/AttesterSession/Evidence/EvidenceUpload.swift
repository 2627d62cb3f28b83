package import AttestationMessages

/// Which bytes of which log go up next. Answers only what was announced, from the offsets that the verifier names; every round must
/// bring an offset forward, so that no verifier can keep a node uploading forever.
package struct EvidenceUpload: Sendable {
    package static let chunkSize = 1 << 20

    package struct Part: Hashable, Sendable {
        package var log: String
        package var range: Range<Int>
    }

    /// What was announced, by log.
    private let logs: [String: Range<Int>]
    /// First offset per log that has not been sent.
    private var sent: [String: Int] = [:]

    package init(logs: [String: Range<Int>]) { self.logs = logs }

    /// The next part for the verifier's open needs; nil when there is none.
    ///
    /// - Throws: ``SessionFailure`` `AGENT_BAD_REPLY` for a log that was not announced, an offset outside it, or one that
    ///   went back behind what was acknowledged.
    package mutating func next(_ need: [LogNeed]) throws(SessionFailure) -> Part? {
        func refuse(_ reason: String) -> SessionFailure {
            SessionFailure(.badChallenge, code: "AGENT_BAD_REPLY", message: reason)
        }
        guard let first = need.first else { return nil }
        guard let announced = logs[first.log] else { throw refuse("a log is wanted that was not announced") }
        guard announced.contains(first.offset) else {
            throw refuse("offset \(first.offset) of a log of \(announced.upperBound) bytes is wanted")
        }
        guard first.offset >= sent[first.log] ?? 0 else { throw refuse("bytes are wanted again") }
        let end = min(announced.upperBound, first.offset + Self.chunkSize)
        return Part(log: first.log, range: first.offset..<end)
    }

    /// The verifier answered the part with a success.
    package mutating func didSend(_ part: Part) { sent[part.log] = part.range.upperBound }
}

package import NIOCore

/// How long each phase of a connection may take (TA-14).
package struct Deadlines: Hashable, Sendable {
    package var handshake: TimeAmount
    /// From a request's first byte to the end of its head; for the first request, from the handshake's end.
    package var head: TimeAmount
    package var body: TimeAmount
    /// Between requests: longer than the longest usual attestation interval, so that nodes keep their connection.
    package var idle: TimeAmount
    /// For reading on after a refusal that closes, so that the peer sees the answer before the reset.
    package var drain: TimeAmount

    package init(
        handshake: TimeAmount = .seconds(5), head: TimeAmount = .seconds(10), body: TimeAmount = .seconds(30),
        idle: TimeAmount = .minutes(15), drain: TimeAmount = .seconds(1)
    ) {
        self.handshake = handshake
        self.head = head
        self.body = body
        self.idle = idle
        self.drain = drain
    }

    enum Phase: String {
        case handshake, head, body, responding, idle, drain
    }

    /// Nil while the verifier itself is at work: the peer is not to blame.
    func limit(of phase: Phase) -> TimeAmount? {
        switch phase {
        case .handshake: handshake
        case .head: head
        case .body: body
        case .responding: nil
        case .idle: idle
        case .drain: drain
        }
    }
}

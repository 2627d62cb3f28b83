internal import NIOCore

/// One connection's phase and its deadline. Confined to the connection's event loop. Keeps at most one scheduled task and
/// moves it only to an earlier time, so that a request on a kept connection costs no scheduling.
final class ConnectionTimer {
    private let deadlines: Deadlines
    private let channel: any Channel
    private let missed: (Deadlines.Phase) -> Void
    private var deadline = NIODeadline.distantFuture
    private var scheduled: (task: Scheduled<Void>, at: NIODeadline)?
    private(set) var phase = Deadlines.Phase.handshake

    init(_ deadlines: Deadlines, channel: any Channel, missed: @escaping (Deadlines.Phase) -> Void) {
        self.deadlines = deadlines
        self.channel = channel
        self.missed = missed
    }

    func enter(_ phase: Deadlines.Phase) {
        self.phase = phase
        deadline = deadlines.limit(of: phase).map { .now() + $0 } ?? .distantFuture
        if deadline < (scheduled?.at ?? .distantFuture) { schedule() }
    }

    func cancel() {
        scheduled?.task.cancel()
        scheduled = nil
        deadline = .distantFuture
    }

    private func schedule() {
        scheduled?.task.cancel()
        let bound = NIOLoopBound(self, eventLoop: channel.eventLoop)
        scheduled = (channel.eventLoop.scheduleTask(deadline: deadline) { bound.value.fire() }, deadline)
    }

    private func fire() {
        scheduled = nil
        guard deadline <= .now() else {
            if deadline < .distantFuture { schedule() }
            return
        }
        missed(phase)
        channel.close(mode: .all, promise: nil)
    }
}

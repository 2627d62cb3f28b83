internal import VerifierService

/// The store's time: the wall clock read once at the start, or the persisted high-water mark where that is later, plus
/// what CLOCK_BOOTTIME counted since. Jumps of the wall clock while the verifier runs change nothing; one while it was
/// down can only move the time forward.
struct MonotonicClock: VerifierClock {
    let epoch: Int64
    let startedAt: Int64
    private let bootTimeAtStart: Int64
    private let time: TimeSource

    init(time: TimeSource, highWater: Int64, epoch: Int64) {
        self.time = time
        self.epoch = epoch
        bootTimeAtStart = time.bootTime()
        startedAt = max(time.wallTime(), highWater)
    }

    func now() -> Int64 { startedAt + max(0, time.bootTime() - bootTimeAtStart) }
}

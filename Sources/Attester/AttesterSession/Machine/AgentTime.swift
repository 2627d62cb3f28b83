internal import Glibc

/// The two clocks of a node in milliseconds. Neither decides about trust; both may be wrong.
package struct AgentTime: Hashable, Sendable {
    /// CLOCK_BOOTTIME: runs in one direction, also while the machine sleeps. What the agent waits by.
    package var monotonic: Int64
    /// CLOCK_REALTIME since 1970: may jump by years.
    package var wall: Int64

    package init(monotonic: Int64, wall: Int64) {
        self.monotonic = monotonic
        self.wall = wall
    }

    package static func now() -> AgentTime {
        AgentTime(monotonic: read(CLOCK_BOOTTIME), wall: read(CLOCK_REALTIME))
    }

    private static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        unsafe clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}

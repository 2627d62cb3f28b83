internal import Glibc

/// The two clocks of the system that the store's time is made of; injectable in tests.
package struct TimeSource: Sendable {
    /// Milliseconds since the machine started, counting sleep; never jumps.
    package var bootTime: @Sendable () -> Int64
    /// Milliseconds since 1970 as the system believes; read once at the start.
    package var wallTime: @Sendable () -> Int64

    package init(bootTime: @escaping @Sendable () -> Int64, wallTime: @escaping @Sendable () -> Int64) {
        self.bootTime = bootTime
        self.wallTime = wallTime
    }

    /// CLOCK_BOOTTIME and CLOCK_REALTIME.
    package static let system = TimeSource(
        bootTime: { milliseconds(of: CLOCK_BOOTTIME) }, wallTime: { milliseconds(of: CLOCK_REALTIME) })

    private static func milliseconds(of clock: clockid_t) -> Int64 {
        var time = timespec()
        unsafe clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}

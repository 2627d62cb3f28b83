internal import Glibc

/// systemd's watchdog (sd_watchdog_enabled(3)): a service that has not said for a while that it works is ended and
/// started anew.
///
/// Whoever does the work feeds it, from inside the work: a timer of its own would also tick while the work stands still.
package struct Watchdog: Hashable, Sendable {
    /// Milliseconds without a sign after which the manager acts; nil where nobody watches this process.
    package let patience: Int64?

    /// Milliseconds: the longest pause between two signs of a service that only waits.
    package var interval: Int64? { patience.map { max(1, $0 / 2) } }

    /// - Parameters:
    ///   - microseconds: `WATCHDOG_USEC`.
    ///   - process: `WATCHDOG_PID`; another process's watchdog is not ours.
    package init(
        microseconds: String? = ProcessVariable.value("WATCHDOG_USEC"),
        process: String? = ProcessVariable.value("WATCHDOG_PID")
    ) {
        let isOurs = process.map { $0 == String(getpid()) } ?? true
        guard isOurs, let microseconds, let number = Int64(microseconds), number >= 1000 else {
            patience = nil
            return
        }
        patience = number / 1000
    }

    /// Says that the work goes on.
    package func feed() {
        if patience != nil { ServiceManager.notify(.watchdog) }
    }
}

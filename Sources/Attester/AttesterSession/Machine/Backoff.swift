/// How long to wait after failures: exponential with full jitter, or what the verifier asked for and a little more.
package struct Backoff: Hashable, Sendable {
    package static let base: Int64 = 1000
    package static let cap: Int64 = 300_000
    /// A verifier cannot silence an agent for longer than this.
    package static let longestRetryAfter: Int64 = 3_600_000

    package private(set) var failures = 0

    package init() {}
    package mutating func reset() { failures = 0 }

    /// - Parameters:
    ///   - retryAfterSeconds: The verifier's wish.
    ///   - random: Uniform; the only source of chance.
    /// - Returns: Milliseconds, at least 100, so that a failing agent never spins.
    package mutating func next(retryAfterSeconds: Int? = nil, random: UInt64) -> Int64 {
        failures = min(failures + 1, 32)
        if let seconds = retryAfterSeconds {
            let wish = min(Int64(clamping: max(seconds, 1)), Self.longestRetryAfter / 1000) * 1000
            return wish + Int64(random % UInt64(wish / 4 + 1))
        }
        let ceiling = min(Self.cap, Self.base << min(failures, 16))
        return max(100, Int64(random % UInt64(ceiling + 1)))
    }
}

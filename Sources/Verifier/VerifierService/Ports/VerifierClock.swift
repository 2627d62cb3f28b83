/// Milliseconds since 1970 that never go back, over jumps of the system's clock and over restarts (AD-13).
package protocol VerifierClock: Sendable {
    func now() -> Int64
    /// Counts the verifier's starts; open challenges of an earlier one are void.
    var epoch: Int64 { get }
    /// Time of this start by the same clock; staleness alarms count from here.
    var startedAt: Int64 { get }
}

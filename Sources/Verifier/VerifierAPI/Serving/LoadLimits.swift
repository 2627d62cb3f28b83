internal import Synchronization
internal import VerifierService

/// How much work is taken on at once, and how often one address may try to enroll. What does not fit is refused with 503
/// or 429 and `Retry-After` instead of waiting (AV-01).
package final class LoadLimits: Sendable {
    package struct Settings: Hashable, Sendable {
        /// Requests in progress by class.
        package var inProgress: [LoadClass: Int]
        /// Enrollment requests of one address: at once, and refilled per second.
        package var enrollmentBurst: Int
        package var enrollmentsPerSecond: Double
        /// Addresses remembered; beyond, the oldest bucket that is full again is forgotten.
        package var rememberedSources: Int

        package init(
            inProgress: [LoadClass: Int] = [
                .probe: 64, .enrollment: 32, .attestation: 2048, .reading: 64, .operating: 16,
            ], enrollmentBurst: Int = 60, enrollmentsPerSecond: Double = 10, rememberedSources: Int = 4096
        ) {
            self.inProgress = inProgress
            self.enrollmentBurst = enrollmentBurst
            self.enrollmentsPerSecond = enrollmentsPerSecond
            self.rememberedSources = rememberedSources
        }
    }

    private struct Bucket {
        var tokens: Double
        var at: ContinuousClock.Instant
    }
    private struct State {
        var inProgress: [LoadClass: Int] = [:]
        var buckets: [String: Bucket] = [:]
    }

    private let settings: Settings
    private let instant: @Sendable () -> ContinuousClock.Instant
    private let state = Mutex(State())

    package init(_ settings: Settings, instant: @escaping @Sendable () -> ContinuousClock.Instant = { .now }) {
        self.settings = settings
        self.instant = instant
    }

    /// - Throws: 429 `API_RATE` for an address over its rate, 503 `API_BUSY` when the class's queue is full.
    func enter(_ load: LoadClass, source: String) throws(ServiceError) {
        let refusal = state.withLock { state -> ServiceError? in
            if load == .enrollment, !takeToken(source, &state) {
                return ServiceError(.tooMany, "API_RATE", retryAfterSeconds: 5)
            }
            let count = state.inProgress[load, default: 0]
            guard count < settings.inProgress[load, default: 0] else {
                return ServiceError(.unavailable, "API_BUSY", retryAfterSeconds: 2)
            }
            state.inProgress[load] = count + 1
            return nil
        }
        if let refusal { throw refusal }
    }

    func leave(_ load: LoadClass) {
        state.withLock { $0.inProgress[load, default: 1] -= 1 }
    }

    private func takeToken(_ source: String, _ state: inout State) -> Bool {
        let now = instant()
        let burst = Double(settings.enrollmentBurst)
        var bucket = state.buckets[source] ?? Bucket(tokens: burst, at: now)
        let elapsed = bucket.at.duration(to: now).components
        let seconds = Double(elapsed.seconds) + Double(elapsed.attoseconds) / 1e18
        bucket.tokens = min(burst, bucket.tokens + seconds * settings.enrollmentsPerSecond)
        bucket.at = now
        let allowed = bucket.tokens >= 1
        if allowed { bucket.tokens -= 1 }
        if state.buckets[source] == nil, state.buckets.count >= settings.rememberedSources {
            // Forgetting the oldest costs an attacker with many addresses nothing and the others at most a full bucket.
            if let oldest = state.buckets.min(by: { $0.value.at < $1.value.at })?.key { state.buckets[oldest] = nil }
        }
        state.buckets[source] = bucket
        return allowed
    }
}

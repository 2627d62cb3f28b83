import Crypto
import Synchronization

/// What the load showed. Filled from all nodes' tasks.
final class FleetReport: Sendable {
    private struct State {
        var latencies: [Duration] = []
        var verdicts: [String: Int] = [:]
        var acknowledged: [String] = []
        var retries = 0
    }
    private let state = Mutex(State())

    func add(_ latency: Duration, verdict: String, acknowledgement: String) {
        state.withLock {
            $0.latencies.append(latency)
            $0.verdicts[verdict, default: 0] += 1
            $0.acknowledged.append(acknowledgement)
        }
    }

    func retried() { state.withLock { $0.retries += 1 } }

    /// `node verdict-id`, in the order of the replies.
    var acknowledged: [String] { state.withLock { $0.acknowledged } }
    var verdicts: [String: Int] { state.withLock { $0.verdicts } }
    var retries: Int { state.withLock { $0.retries } }

    struct Summary {
        var count: Int
        var perSecond: Double
        var p50Milliseconds: Double
        var p99Milliseconds: Double
        var maxMilliseconds: Double
    }

    func summary(over elapsed: Duration) -> Summary {
        let sorted = state.withLock { $0.latencies }.map(\.milliseconds).sorted()
        func quantile(_ q: Double) -> Double {
            sorted.isEmpty ? 0 : sorted[min(sorted.count - 1, Int(Double(sorted.count) * q))]
        }
        return Summary(
            count: sorted.count, perSecond: Double(sorted.count) / (elapsed.milliseconds / 1000),
            p50Milliseconds: quantile(0.5), p99Milliseconds: quantile(0.99), maxMilliseconds: sorted.last ?? 0)
    }
}

extension Duration {
    var milliseconds: Double {
        Double(components.seconds) * 1e3 + Double(components.attoseconds) / 1e15
    }
}

/// The physical limit on one core: one P-256 verification and the TLS records of one attestation (AES-128-GCM, open the
/// request, seal the reply), nothing else.
enum AttestationBound {
    static func perSecond(requestBytes: Int, replyBytes: Int) throws -> (perSecond: Double, microseconds: Double) {
        let key = P256.Signing.PrivateKey()
        let message = [UInt8](repeating: 3, count: 161)
        let signature = try key.signature(for: message)
        let publicKey = key.publicKey
        let recordKey = SymmetricKey(size: .bits128)
        let request = [UInt8](repeating: 1, count: requestBytes)
        let reply = [UInt8](repeating: 2, count: replyBytes)
        let sealed = try AES.GCM.seal(request, using: recordKey)
        let clock = ContinuousClock()
        let rounds = 2000
        let start = clock.now
        for _ in 0..<rounds {
            guard publicKey.isValidSignature(signature, for: message) else { throw FleetError("bound: bad signature") }
            _ = try AES.GCM.open(sealed, using: recordKey)
            _ = try AES.GCM.seal(reply, using: recordKey)
        }
        let microseconds = (clock.now - start).milliseconds * 1000 / Double(rounds)
        return (1e6 / microseconds, microseconds)
    }
}

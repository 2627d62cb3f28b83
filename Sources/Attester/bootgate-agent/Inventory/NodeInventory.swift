import AssetFingerprints
import AttesterSession
import Dispatch
import HostInventory

/// The machine's asset fingerprints, collected off the cooperative pool: a full collection takes a second.
struct NodeInventory: FingerprintCollecting {
    let root: String

    func collect(_ kind: FingerprintKind) async throws -> [UInt8] { try await report(kind).canonicalBytes }

    func report(_ kind: FingerprintKind) async throws -> FingerprintReport {
        let root = root
        return try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global(qos: .utility).async {
                continuation.resume(with: Result { try HostInventory(root: root).collect(kind) })
            }
        }
    }
}

internal import Synchronization
package import TPMCryptography

/// Whose certificates operators sign reference sets with, as it is now. Whoever reads the files again replaces it whole while
/// the verifier runs; what was compiled under the trust before is then made anew (decision 0024).
package final class OperatorTrust: Sendable, Hashable {
    package struct Content: Hashable, Sendable {
        /// DER of the operators' CAs. Without one no signature counts.
        package var roots: [[UInt8]]
        /// What these CAs revoked.
        package var revocations: SignerRevocations
        package init(roots: [[UInt8]] = [], revocationLists: [OpenSSLRevocationList] = []) {
            self.roots = roots
            revocations = SignerRevocations(revocationLists, signedBy: roots)
        }
    }

    private struct State {
        var content: Content
        var generation: Int64 = 0
    }
    private let state: Mutex<State>

    package init(_ content: Content = Content()) { state = Mutex(State(content: content)) }

    package var content: Content { state.withLock { $0.content } }
    /// Rises with each change.
    var generation: Int64 { state.withLock { $0.generation } }

    /// The same content changes nothing: a reload in which no file changed makes nobody's policy anew.
    package func replace(with content: Content) {
        state.withLock { state in
            guard state.content != content else { return }
            state.content = content
            state.generation += 1
        }
    }

    package static func == (left: OperatorTrust, right: OperatorTrust) -> Bool { left === right }
    package func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}

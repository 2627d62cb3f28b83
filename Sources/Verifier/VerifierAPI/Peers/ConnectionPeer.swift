internal import Synchronization

/// Who is at the other end of one connection: set once by the handshake's verification, read by every request. Nil when
/// the connection showed no certificate in *this* handshake.
package final class ConnectionPeer: Sendable {
    /// The connection that the current task serves.
    @TaskLocal package static var current: ConnectionPeer?

    /// The remote address without its port.
    package let source: String
    private let state: Mutex<PresentedPeer?>

    package init(source: String, presented: PresentedPeer? = nil) {
        self.source = source
        state = Mutex(presented)
    }

    package var presented: PresentedPeer? { state.withLock { $0 } }

    func verified(_ peer: PresentedPeer) { state.withLock { $0 = peer } }
}

package import SecurityEvents

/// Takes events to one destination.
package protocol EventSink: Sendable {
    /// Delivers the events in order.
    ///
    /// Returns only when all of them are known to have arrived, as far as the destination can show that; throws when that
    /// is unknown, and is then called again with the same events first: at least once, in order, under the same ids.
    func deliver(_ events: [SecurityEvent]) async throws
}

/// Why a delivery is not known to have succeeded.
package struct DeliveryError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Code: Hashable, Sendable { case configuration, connect, handshake, reset, timeout, file }
    package var code: Code
    package var detail: String
    package init(_ code: Code, _ detail: String) {
        self.code = code
        self.detail = detail
    }
    package var description: String { "\(code): \(detail)" }
}

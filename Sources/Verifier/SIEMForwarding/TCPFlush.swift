internal import NIOCore

/// Waits until the peer's TCP has acknowledged every byte that was written.
enum TCPFlush {
    /// Words of Linux's `struct tcp_info` (linux/tcp.h) up to `tcpi_notsent_bytes`; Glibc's own ends before that field.
    private typealias Info = InlineArray<37, UInt32>
    private static let unackedWord = 6
    private static let notSentWord = 36

    static func wait(for channel: any Channel, within limit: TimeAmount) async throws {
        guard let provider = channel as? any SocketOptionProvider else {
            throw DeliveryError(.configuration, "not a socket")
        }
        let deadline = NIODeadline.now() + limit
        while true {
            let pending = try await pendingCount(provider)
            if pending == 0 { return }
            guard channel.isActive else { throw DeliveryError(.reset, "the connection ended with bytes under way") }
            guard NIODeadline.now() < deadline else { throw DeliveryError(.timeout, "the peer does not read") }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    private static func pendingCount(_ provider: any SocketOptionProvider) async throws -> UInt64 {
        // The kernel fills at most the size it is told and leaves the rest zero; kernels since 4.6 know the last word.
        let info: EventLoopFuture<Info> = provider.unsafeGetSocketOption(level: .tcp, name: .tcp_info)
        return try await info.map { UInt64($0[unackedWord]) + UInt64($0[notSentWord]) }.get()
    }
}

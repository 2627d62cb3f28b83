import NIOCore
import NIOEmbedded
import Testing

@testable import SIEMForwarding

@Suite("The end of a delivery's connection")
struct EndOfStreamTests {
    private let channel = EmbeddedChannel()

    init() throws {
        try channel.pipeline.syncOperations.addHandlers([HalfClosing(), EndOfStreamGuard(patience: .seconds(10))])
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 6514)).wait()
        channel.close(mode: .output, promise: nil)
    }

    /// A socket that can close one direction, which an embedded channel cannot.
    private final class HalfClosing: ChannelOutboundHandler {
        typealias OutboundIn = ByteBuffer

        func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
            guard mode == .all else {
                promise?.succeed()
                return
            }
            context.close(mode: mode, promise: promise)
        }
    }

    private func close() -> Completion {
        let completion = Completion()
        channel.close().assumeIsolated().whenComplete { _ in completion.isDone = true }
        return completion
    }

    private final class Completion {
        var isDone = false
    }

    @Test("After our direction is closed, a close waits for the peer's end of stream")
    func waits() {
        let close = close()
        channel.embeddedEventLoop.advanceTime(by: .seconds(9))
        #expect(!close.isDone && channel.isActive)
        channel.pipeline.fireChannelInactive()
        #expect(close.isDone)
    }

    @Test("A peer that never ends is given up after the patience")
    func givesUp() {
        let close = close()
        channel.embeddedEventLoop.advanceTime(by: .seconds(10))
        #expect(close.isDone && !channel.isActive)
    }

    @Test("SO-04: a close that comes just after the peer's end is not held for an end that never comes again")
    func lateClose() {
        channel.pipeline.fireChannelInactive()
        let close = close()
        #expect(close.isDone)
    }
}

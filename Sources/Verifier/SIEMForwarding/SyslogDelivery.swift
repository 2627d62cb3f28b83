internal import NIOCore
internal import NIOSSL
internal import NIOTLS

/// What the pipeline of one delivery reports: the handshake's end, and the connection's.
final class SyslogDelivery: Sendable {
    private let handshakePromise: EventLoopPromise<Void>
    private let endedPromise: EventLoopPromise<Void>
    private let state: NIOLoopBoundBox<State>

    private struct State {
        var handshakeDone = false
        /// Every byte is in the peer's TCP and our direction is being closed.
        var finishing = false
        var failure: DeliveryError?
    }

    var handshake: EventLoopFuture<Void> { handshakePromise.futureResult }
    /// Succeeds when the peer ended the connection after it had read everything.
    var ended: EventLoopFuture<Void> { endedPromise.futureResult }

    init(loop: any EventLoop) {
        handshakePromise = loop.makePromise()
        endedPromise = loop.makePromise()
        state = NIOLoopBoundBox.makeBoxSendingValue(State(), eventLoop: loop)
    }

    func finishing() { handshake.eventLoop.execute { self.state.value.finishing = true } }

    func abandon() {
        let error = DeliveryError(.connect, "no connection")
        handshakePromise.fail(error)
        endedPromise.fail(error)
    }

    final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let delivery: SyslogDelivery

        init(_ delivery: SyslogDelivery) { self.delivery = delivery }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if case TLSUserEvent.handshakeCompleted? = event as? TLSUserEvent {
                delivery.state.value.handshakeDone = true
                delivery.handshakePromise.succeed()
            }
            context.fireUserInboundEventTriggered(event)
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            // The end of stream without close_notify: what counts is that it was FIN and not RST.
            if case NIOSSLError.uncleanShutdown? = error as? NIOSSLError, delivery.state.value.finishing { return }
            if delivery.state.value.failure == nil {
                let code: DeliveryError.Code = delivery.state.value.handshakeDone ? .reset : .handshake
                delivery.state.value.failure = DeliveryError(code, "\(error)")
            }
            context.close(promise: nil)
        }

        func channelInactive(context: ChannelHandlerContext) {
            let state = delivery.state.value
            if state.finishing, state.failure == nil {
                delivery.endedPromise.succeed()
            } else {
                let failure = state.failure ?? DeliveryError(.reset, "the peer closed the connection")
                delivery.handshakePromise.fail(failure)
                delivery.endedPromise.fail(failure)
            }
            context.fireChannelInactive()
        }
    }
}

/// At the socket's side of TLS: keeps the socket open after the peer's close_notify until its FIN or RST is seen, because
/// only they tell whether the peer had read everything.
final class EndOfStreamGuard: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer

    private let patience: TimeAmount
    private var outputClosed = false
    /// The connection is over: nothing more would end a close that is held.
    private var ended = false
    private var held: EventLoopPromise<Void>?
    private var giveUp: Scheduled<Void>?

    init(patience: TimeAmount) { self.patience = patience }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        if mode == .output { outputClosed = true }
        guard mode == .all, outputClosed, !ended, held == nil else {
            context.close(mode: mode, promise: promise)
            return
        }
        let held = promise ?? context.eventLoop.makePromise()
        self.held = held
        giveUp = context.eventLoop.assumeIsolated().scheduleTask(in: patience) { [weak self] in
            guard let self, self.held != nil else { return }
            context.fireErrorCaught(DeliveryError(.timeout, "the peer did not end the connection"))
            context.close(mode: .all, promise: nil)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        end()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { end() }

    private func end() {
        ended = true
        giveUp?.cancel()
        held?.succeed()
        held = nil
    }
}

internal import NIOCore
internal import NIOSSL
internal import NIOTLS

/// Between TLS and HTTP: sees the handshake's end, the first byte of each request, and the connection's end.
final class ConnectionHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    struct Events {
        var handshakeEnded: () -> Void
        var handshakeFailed: () -> Void
        /// The peer ended its part of the handshake without a certificate.
        var certificateMissing: () -> Void
        var closed: () -> Void
    }

    private let timer: ConnectionTimer
    private let isTLS: Bool
    private let events: Events
    private var isClosed = false

    init(timer: ConnectionTimer, isTLS: Bool, events: Events) {
        self.timer = timer
        self.isTLS = isTLS
        self.events = events
    }

    func channelActive(context: ChannelHandlerContext) {
        timer.enter(isTLS ? .handshake : .head)
        if !isTLS { events.handshakeEnded() }
        context.fireChannelActive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? TLSUserEvent, case .handshakeCompleted = event {
            events.handshakeEnded()
            timer.enter(.head)
        }
        context.fireUserInboundEventTriggered(event)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if timer.phase == .idle { timer.enter(.head) }
        context.fireChannelRead(data)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if timer.phase == .handshake, Self.isMissingCertificate(error) { events.certificateMissing() }
        context.fireErrorCaught(error)
    }

    /// BoringSSL tells it in the text of its error only.
    private static func isMissingCertificate(_ error: any Error) -> Bool {
        guard let error = error as? NIOSSLError, case .handshakeFailed(let cause) = error else { return false }
        return "\(cause)".contains("PEER_DID_NOT_RETURN_A_CERTIFICATE")
    }

    func channelInactive(context: ChannelHandlerContext) {
        close()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { close() }

    private func close() {
        guard !isClosed else { return }
        isClosed = true
        if timer.phase == .handshake {
            events.handshakeFailed()
            events.handshakeEnded()
        }
        timer.cancel()
        events.closed()
    }
}

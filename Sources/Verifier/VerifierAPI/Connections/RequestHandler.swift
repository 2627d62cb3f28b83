internal import NIOCore
internal import NIOHTTP1

/// Between the HTTP codec and Hummingbird: the phases of a request, and closing after an answer that says so. Hummingbird
/// itself closes only when the *request* asks for it, and would read an endless body to its end.
final class RequestHandler: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private let timer: ConnectionTimer
    private var requestIsRead = true
    private var closesAfterAnswer = false

    init(timer: ConnectionTimer) { self.timer = timer }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if timer.phase == .drain {
            if case .end = unwrapInboundIn(data) { context.close(promise: nil) }
            return
        }
        switch unwrapInboundIn(data) {
        case .head:
            requestIsRead = false
            timer.enter(.body)
        case .body: break
        case .end:
            requestIsRead = true
            // An answer that came before the body's end has put the phase on already.
            if timer.phase == .body { timer.enter(.responding) }
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(let head):
            // 1xx is no answer yet.
            if head.status.code >= 200 {
                closesAfterAnswer = head.headers[canonicalForm: "connection"].contains("close")
            }
        case .body: break
        case .end where closesAfterAnswer:
            closesAfterAnswer = false
            closeAfter(context: context, data, promise)
            return
        case .end: timer.enter(.idle)
        }
        context.write(data, promise: promise)
    }

    private func closeAfter(context: ChannelHandlerContext, _ data: NIOAny, _ promise: EventLoopPromise<Void>?) {
        let written = promise ?? context.eventLoop.makePromise(of: Void.self)
        timer.enter(.drain)
        if requestIsRead {
            let channel = context.channel
            written.futureResult.whenComplete { _ in channel.close(promise: nil) }
        }
        context.writeAndFlush(data, promise: written)
    }
}

import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// One kept-alive HTTP/1.1 connection of a simulated node. Requests go one after another, as an agent's do.
///
/// Bodies are bounded; a response of another length, a closed connection or a TLS refusal fails the waiting request.
final class MutualTLSConnection: Sendable {
    struct Response: Sendable {
        var status: Int
        var body: [UInt8]
    }

    static let maxResponseBytes = 16 << 20

    private let channel: any Channel
    private let host: String

    private init(channel: any Channel, host: String) {
        self.channel = channel
        self.host = host
    }

    /// - Parameters:
    ///   - identity: the certificate chain and private key to show.
    ///   - trustRoots: the verifier's CA; its name is checked.
    static func open(
        host: String, port: Int, identity: TLSIdentity, trustRoots: [NIOSSLCertificate], group: any EventLoopGroup
    ) async throws -> MutualTLSConnection {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv13
        configuration.trustRoots = .certificates(trustRoots)
        configuration.certificateChain = identity.chain.map { .certificate($0) }
        configuration.privateKey = .privateKey(identity.key)
        let context = try NIOSSLContext(configuration: configuration)
        let channel = try await ClientBootstrap(group: group)
            .channelOption(.socketOption(.so_reuseaddr), value: 1)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let tls = try NIOSSLClientHandler(context: context, serverHostname: host)
                    try channel.pipeline.syncOperations.addHandler(tls)
                    try channel.pipeline.syncOperations.addHTTPClientHandlers()
                    try channel.pipeline.syncOperations.addHandler(RequestHandler())
                }
            }
            .connect(host: host, port: port).get()
        return MutualTLSConnection(channel: channel, host: host)
    }

    func post(_ path: String, _ body: [UInt8]) async throws -> Response {
        try await send(.POST, path, body)
    }

    func put(
        _ path: String, _ body: [UInt8], contentType: String = "application/octet-stream"
    ) async throws -> Response {
        try await send(.PUT, path, body, contentType)
    }

    func get(_ path: String) async throws -> Response {
        try await send(.GET, path, [])
    }

    private func send(
        _ method: HTTPMethod, _ path: String, _ body: [UInt8], _ contentType: String = "application/json"
    ) async throws -> Response {
        var head = HTTPRequestHead(version: .http1_1, method: method, uri: path)
        head.headers.add(name: "host", value: host)
        if method != .GET {
            head.headers.add(name: "content-type", value: contentType)
            head.headers.add(name: "content-length", value: String(body.count))
        }
        let promise = channel.eventLoop.makePromise(of: Response.self)
        // On a channel that is closed already no handler sees the write: its failure is the only answer.
        channel.writeAndFlush(Exchange(head: head, body: body, promise: promise)).whenFailure { promise.fail($0) }
        return try await promise.futureResult.get()
    }

    func close() async {
        try? await channel.close().get()
    }
}

/// What a simulated node shows in the handshake.
struct TLSIdentity: Sendable {
    var chain: [NIOSSLCertificate]
    var key: NIOSSLPrivateKey
}

private struct Exchange: Sendable {
    var head: HTTPRequestHead
    var body: [UInt8]
    var promise: EventLoopPromise<MutualTLSConnection.Response>
}

struct ConnectionClosed: Error {}
struct ResponseTooLarge: Error {}

/// Pairs requests with responses. Lives on its channel's event loop.
private final class RequestHandler: ChannelDuplexHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundIn = Exchange
    typealias OutboundOut = HTTPClientRequestPart

    private var waiting: EventLoopPromise<MutualTLSConnection.Response>?
    private var status = 0
    private var body: [UInt8] = []

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let exchange = unwrapOutboundIn(data)
        waiting = exchange.promise
        context.write(wrapOutboundOut(.head(exchange.head)), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: exchange.body)))), promise: nil)
        context.write(wrapOutboundOut(.end(nil)), promise: promise)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            status = Int(head.status.code)
            body.removeAll(keepingCapacity: true)
        case .body(let part):
            guard body.count + part.readableBytes <= MutualTLSConnection.maxResponseBytes else {
                fail(ResponseTooLarge())
                context.close(promise: nil)
                return
            }
            body.append(contentsOf: part.readableBytesView)
        case .end:
            waiting?.succeed(.init(status: status, body: body))
            waiting = nil
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        fail(error)
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        fail(ConnectionClosed())
        context.fireChannelInactive()
    }

    private func fail(_ error: any Error) {
        waiting?.fail(error)
        waiting = nil
    }
}

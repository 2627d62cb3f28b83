import Crypto
public import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import NIOTLS
import Synchronization
public import X509

public struct StubRequest: Sendable {
    public let method: String
    public let path: String
    public let body: [UInt8]
    /// DER of the client's certificate.
    public let peerCertificate: [UInt8]?
}

public struct StubReply: Sendable {
    public var status: Int
    public var headers: [(String, String)]
    public var body: [UInt8]
    /// Cut the connection in place of a reply.
    public var dropsConnection = false

    public init(status: Int, headers: [(String, String)] = [], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    public static func json(_ status: Int, _ value: some Encodable) throws -> StubReply {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        return StubReply(status: status, body: [UInt8](try encoder.encode(value)))
    }

    public static let drop: StubReply = {
        var reply = StubReply(status: 500)
        reply.dropsConnection = true
        return reply
    }()
}

/// A server on a private loopback port that answers with what a test says: a real TLS 1.3 peer (or a plain one) that
/// may be anything but a good verifier. Takes any client certificate and records it.
public final class StubVerifier: Sendable {
    public typealias Handler = @Sendable (StubRequest) async throws -> StubReply

    /// Everything that arrived, in order.
    public var requests: [StubRequest] { log.withLock { $0.requests } }
    /// Connections whose TLS handshake the client finished, or that were accepted where there is no TLS.
    public var acceptedConnections: Int { log.withLock { $0.connections } }
    /// SHA-256 of the server's SubjectPublicKeyInfo.
    public let pin: [UInt8]
    public let port: Int

    struct Log: Sendable {
        var requests: [StubRequest] = []
        var connections = 0
    }
    private let log: LogBox
    private let channel: any Channel

    final class LogBox: Sendable {
        let value = Mutex(Log())
        func withLock<Result: Sendable>(_ body: (inout sending Log) -> sending Result) -> Result {
            value.withLock(body)
        }
    }

    /// - Parameters:
    ///   - authority: Issues the server's certificate; nil serves plain HTTP.
    ///   - names: SANs of the server's certificate.
    public init(
        authority: StubAuthority?, names: [GeneralName] = [.dnsName("localhost")], notBefore: Date? = nil,
        notAfter: Date? = nil, handler: @escaping Handler
    ) async throws {
        let key = P256.Signing.PrivateKey()
        pin = Array(SHA256.hash(data: key.publicKey.derRepresentation))
        let context = try authority.map { authority in
            let certificate = try authority.issue(
                Certificate.PublicKey(key.publicKey), names: names, notBefore: notBefore, notAfter: notAfter)
            var configuration = TLSConfiguration.makeServerConfiguration(
                certificateChain: [
                    .certificate(try NIOSSLCertificate(bytes: StubAuthority.der(certificate), format: .der))
                ],
                privateKey: .privateKey(
                    try NIOSSLPrivateKey(bytes: Array(key.derRepresentation), format: .der)))
            configuration.minimumTLSVersion = .tlsv13
            configuration.certificateVerification = .optionalVerification
            return try NIOSSLContext(configuration: configuration)
        }
        let log = LogBox()
        self.log = log
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let context {
                        // Any certificate will do: possession of its key is all that is proven here.
                        try channel.pipeline.syncOperations.addHandler(
                            NIOSSLServerHandler(context: context) { _, promise in
                                promise.succeed(.certificateVerified)
                            })
                    }
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(
                        StubHandler(log: log, handler: handler, isTLS: context != nil))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        port = channel.localAddress?.port ?? 0
    }

    public func stop() async throws { try await channel.close().get() }

    /// Runs `body` and stops the server on every path.
    public func run<Result>(_ body: (StubVerifier) async throws -> Result) async throws -> Result {
        do {
            let result = try await body(self)
            try await stop()
            return result
        } catch {
            try await stop()
            throw error
        }
    }
}

final class StubHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let log: StubVerifier.LogBox
    private let handler: StubVerifier.Handler
    private let isTLS: Bool
    private var head: HTTPRequestHead?
    private var body: [UInt8] = []

    init(log: StubVerifier.LogBox, handler: @escaping StubVerifier.Handler, isTLS: Bool) {
        self.log = log
        self.handler = handler
        self.isTLS = isTLS
    }

    func channelActive(context: ChannelHandlerContext) {
        if !isTLS { log.withLock { $0.connections += 1 } }
        context.fireChannelActive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted? = event as? TLSUserEvent { log.withLock { $0.connections += 1 } }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
            body = []
        case .body(let buffer): body += Array(buffer.readableBytesView)
        case .end:
            guard let head else { return }
            let certificate =
                try? context.pipeline.syncOperations.handler(type: NIOSSLServerHandler.self).peerCertificate
            let request = StubRequest(
                method: head.method.rawValue, path: head.uri, body: body,
                peerCertificate: try? certificate?.toDERBytes())
            log.withLock { $0.requests.append(request) }
            answer(request, context)
        }
    }

    private func answer(_ request: StubRequest, _ context: ChannelHandlerContext) {
        let handler = self.handler
        let channel = context.channel
        context.eventLoop.makeFutureWithTask { try await handler(request) }.whenComplete { result in
            let reply = (try? result.get()) ?? StubReply(status: 500)
            guard !reply.dropsConnection else { return channel.close(promise: nil) }
            var headers = HTTPHeaders(reply.headers)
            headers.replaceOrAdd(name: "Content-Length", value: String(reply.body.count))
            let head = HTTPResponseHead(
                version: .http1_1, status: HTTPResponseStatus(statusCode: reply.status), headers: headers)
            channel.write(HTTPServerResponsePart.head(head), promise: nil)
            channel.write(HTTPServerResponsePart.body(.byteBuffer(ByteBuffer(bytes: reply.body))), promise: nil)
            channel.writeAndFlush(HTTPServerResponsePart.end(nil), promise: nil)
        }
    }
}

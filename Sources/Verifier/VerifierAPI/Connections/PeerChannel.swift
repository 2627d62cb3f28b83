internal import HummingbirdCore
internal import Logging
internal import NIOCore
internal import NIOHTTP1
internal import NIOSSL

/// A connection and who is at its other end.
struct PeerConnection: ServerChildChannelValue {
    let connection: HTTP1Channel.Value
    let peer: ConnectionPeer
    var channel: any Channel { connection.channel }
}

/// Sets up a connection: caps, TLS with our own verification of the peer, deadlines, HTTP/1.1 within limits. Serves it with
/// the peer as ``ConnectionPeer/current``.
struct PeerChannel: ServerChildChannel {
    let http: HTTP1Channel
    let listener: ListenerKind
    /// Nil on the loopback listener.
    let tls: ReloadableTLS?
    let environment: ConnectionEnvironment

    init(
        responder: @escaping HTTPChannelHandler.Responder, listener: ListenerKind, tls: ReloadableTLS?,
        environment: ConnectionEnvironment
    ) {
        // TA-07. Hummingbird answers 400 and closes beyond them.
        http = HTTP1Channel(
            responder: responder,
            configuration: HTTP1Channel.Configuration(
                httpDecoderConfiguration: .init(
                    maxHeaderFieldSize: 16 * 1024, maxHeaderListSize: 64 * 1024, maxHeaderFieldCount: 256)))
        self.listener = listener
        self.tls = tls
        self.environment = environment
    }

    // An error here would end the listener's accept loop: what cannot be served is closed instead.
    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<PeerConnection> {
        let address = channel.remoteAddress?.ipAddress ?? "unknown"
        let peer = ConnectionPeer(source: address)
        return channel.eventLoop.makeCompletedFuture {
            let admitted = environment.limiter.enter(address)
            let tlsHandler = admitted ? tlsHandler(peer, logger) : nil
            let isServed = admitted && (tls == nil || tlsHandler != nil)
            let timer = ConnectionTimer(environment.deadlines, channel: channel) { phase in
                environment.metrics.count(MetricNames.deadlines, ["phase": phase.rawValue])
            }
            if let tlsHandler { try channel.pipeline.syncOperations.addHandler(tlsHandler) }
            try channel.pipeline.syncOperations.addHandler(
                ConnectionHandler(
                    timer: timer, isTLS: tls != nil, events: events(peer, isServed: isServed, admitted: admitted)))
            if !isServed {
                environment.metrics.count(MetricNames.connectionsRefused, ["listener": listener.rawValue])
                channel.eventLoop.execute { channel.close(promise: nil) }
            }
            return NIOLoopBound(timer, eventLoop: channel.eventLoop)
        }.flatMap { (timer: NIOLoopBound<ConnectionTimer>) in
            http.setup(channel: channel, logger: logger).flatMapThrowing { connection in
                let pipeline = channel.pipeline.syncOperations
                let decoder = try pipeline.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self)
                try pipeline.addHandler(RequestHandler(timer: timer.value), position: .after(decoder))
                return PeerConnection(connection: connection, peer: peer)
            }
        }
    }

    func handle(value: PeerConnection, logger: Logger) async {
        await ConnectionPeer.$current.withValue(value.peer) {
            await http.handle(value: value.connection, logger: logger)
        }
    }

    private func events(_ peer: ConnectionPeer, isServed: Bool, admitted: Bool) -> ConnectionHandler.Events {
        let environment = self.environment
        let listener = self.listener
        let address = peer.source
        let labels: KeyValuePairs = ["listener": listener.rawValue]
        if isServed { environment.metrics.change(MetricNames.connections, labels, by: 1) }
        return ConnectionHandler.Events(
            handshakeEnded: { if admitted { environment.limiter.handshakeEnded(address) } },
            handshakeFailed: { if isServed { environment.metrics.count(MetricNames.handshakesFailed, labels) } },
            certificateMissing: {
                environment.refusals.report(
                    reason: PeerRefusal.noCertificate.rawValue, listener: listener, source: address)
            },
            closed: {
                if admitted { environment.limiter.leave(address) }
                if isServed { environment.metrics.change(MetricNames.connections, labels, by: -1) }
            })
    }

    private func tlsHandler(_ peer: ConnectionPeer, _ logger: Logger) -> NIOSSLServerHandler? {
        guard let tls else { return nil }
        do {
            let (context, trust) = try tls.context(for: listener)
            return NIOSSLServerHandler(
                context: context, customVerificationCallback: verification(peer, trust), configuration: .init())
        } catch {
            logger.error("no TLS context", metadata: ["error": "\(error)"])
            return nil
        }
    }

    private func verification(_ peer: ConnectionPeer, _ trust: PeerTrust) -> NIOSSLCustomVerificationCallback {
        let environment = self.environment
        let listener = self.listener
        return { certificates, promise in
            let chain = Result { try certificates.map { try $0.toDERBytes() } }
            promise.completeWithTask {
                do {
                    let presented =
                        switch listener {
                        case .enrollment: try PeerCertificateVerifier.keyHolder(try chain.get())
                        case .main, .loopback:
                            try await PeerCertificateVerifier.peer(
                                try chain.get(), trust: trust, nowMilliseconds: environment.now())
                        }
                    peer.verified(presented)
                    return .certificateVerified
                } catch {
                    environment.refusals.report(
                        reason: (error as? PeerRefusal)?.rawValue ?? "malformed", listener: listener,
                        source: peer.source)
                    return .failed
                }
            }
        }
    }
}

/// What all connections share.
struct ConnectionEnvironment: Sendable {
    let limiter: ConnectionLimiter
    let deadlines: Deadlines
    let metrics: MetricsRegistry
    let refusals: HandshakeRefusals
    let now: @Sendable () -> Int64
}

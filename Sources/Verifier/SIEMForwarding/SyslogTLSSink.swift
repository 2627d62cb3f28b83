internal import NIOCore
internal import NIOPosix
internal import NIOSSL
package import SecurityEvents

/// Sends each delivery over a TLS connection of its own.
///
/// RFC 5425 has no acknowledgement, so the end of the connection serves as one: after the last frame the sink waits until
/// the peer's TCP holds every byte, closes its own direction, and waits for the peer's end of stream. A receiver that
/// closes with unread bytes answers with RST instead (RFC 1122, section 4.2.2.13): then, as on any other error, nothing of
/// the delivery counts and the whole of it is sent again. What this does not prove: that the receiver wrote to its disk,
/// and, behind a balancer that ends TCP, that anything passed it. TLS 1.2 or later.
package struct SyslogTLSSink: EventSink {
    private let destination: SyslogTLSDestination
    private let encoder: SyslogEncoder

    package init(_ destination: SyslogTLSDestination, hostname: String, processID: String, productVersion: String) {
        self.destination = destination
        encoder = SyslogEncoder(
            hostname: hostname, processID: processID, productVersion: productVersion, body: destination.body)
    }

    package func deliver(_ events: [SecurityEvent]) async throws {
        // Read for each connection, so that renewed certificates are used without a restart.
        let context = try Self.context(destination)
        let group = MultiThreadedEventLoopGroup.singleton
        let timeout = TimeAmount.seconds(Int64(destination.timeoutSeconds))
        let serverName = destination.serverName ?? (Self.isAddress(destination.host) ? nil : destination.host)
        let loop = group.next()
        let delivery = SyslogDelivery(loop: loop)
        let channel: any Channel
        do {
            channel = try await ClientBootstrap(group: loop)
                .connectTimeout(timeout)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandlers([
                            EndOfStreamGuard(patience: timeout),
                            try NIOSSLClientHandler(context: context, serverHostname: serverName),
                            SyslogDelivery.Handler(delivery),
                        ])
                    }
                }
                .connect(host: destination.host, port: destination.port).get()
        } catch {
            delivery.abandon()
            throw DeliveryError(.connect, "\(destination.host):\(destination.port): \(error)")
        }
        do {
            // The last resort: a peer that neither reads nor ends cannot hold the delivery for ever.
            let deadline = loop.scheduleTask(in: timeout * 6) { channel.close(promise: nil) }
            defer { deadline.cancel() }
            try await withTaskCancellationHandler {
                try await send(events, over: channel, delivery, timeout)
            } onCancel: {
                channel.close(promise: nil)
            }
        } catch {
            channel.close(promise: nil)
            try? await channel.closeFuture.get()
            throw error
        }
    }

    private func send(
        _ events: [SecurityEvent], over channel: any Channel, _ delivery: SyslogDelivery, _ timeout: TimeAmount
    ) async throws {
        try await delivery.handshake.get()
        for start in stride(from: 0, to: events.count, by: 64) {
            var buffer = channel.allocator.buffer(capacity: 65_536)
            for event in events[start..<min(start + 64, events.count)] { buffer.writeBytes(encoder.frame(event)) }
            try await channel.writeAndFlush(buffer).get()
        }
        try await TCPFlush.wait(for: channel, within: timeout * 4)
        delivery.finishing()
        try await channel.close(mode: .output).get()
        try await delivery.ended.get()
    }

    private static func context(_ destination: SyslogTLSDestination) throws -> NIOSSLContext {
        do {
            var configuration = TLSConfiguration.makeClientConfiguration()
            configuration.minimumTLSVersion = .tlsv12
            configuration.certificateVerification = .fullVerification
            let roots = try NIOSSLCertificate.fromPEMFile(destination.caFile)
            guard !roots.isEmpty else {
                throw DeliveryError(.configuration, "\(destination.caFile) holds no certificate")
            }
            configuration.trustRoots = .certificates(roots)
            switch (destination.certificateFile, destination.keyFile) {
            case (let certificate?, let key?):
                configuration.certificateChain = try NIOSSLCertificate.fromPEMFile(certificate).map { .certificate($0) }
                configuration.privateKey = .privateKey(try NIOSSLPrivateKey(file: key, format: .pem))
            case (nil, nil): break
            default: throw DeliveryError(.configuration, "a client certificate needs both certificate and key")
            }
            return try NIOSSLContext(configuration: configuration)
        } catch let error as DeliveryError {
            throw error
        } catch {
            throw DeliveryError(.configuration, "TLS of \(destination.host): \(error)")
        }
    }

    private static func isAddress(_ host: String) -> Bool { (try? SocketAddress(ipAddress: host, port: 0)) != nil }
}

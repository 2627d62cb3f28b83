internal import Hummingbird
internal import HummingbirdCore
package import Logging
package import ServiceLifecycle

/// Where the listeners are and what they allow.
package struct ServerSettings: Sendable {
    package struct Address: Hashable, Sendable {
        package var host: String
        package var port: Int
        package init(host: String, port: Int) {
            self.host = host
            self.port = port
        }
    }

    package var main: Address
    package var enrollment: Address
    /// Plain HTTP: a loopback address only. Nil: off.
    package var loopback: Address?
    package var deadlines: Deadlines
    package var caps: ConnectionLimiter.Caps
    package var load: LoadLimits.Settings

    package init(
        main: Address, enrollment: Address, loopback: Address?, deadlines: Deadlines = Deadlines(),
        caps: ConnectionLimiter.Caps = .init(), load: LoadLimits.Settings = .init()
    ) {
        self.main = main
        self.enrollment = enrollment
        self.loopback = loopback
        self.deadlines = deadlines
        self.caps = caps
        self.load = load
    }
}

/// The verifier's listeners as services, in the order in which they start.
package struct VerifierServers: Sendable {
    package let services: [any Service]
    package let table: RouteTable

    /// - Parameters:
    ///   - now: milliseconds since 1970 by the store's clock.
    ///   - onListening: called with the bound port, once for each listener.
    package init(
        settings: ServerSettings, useCases: APIUseCases, tls: ReloadableTLS, metrics: MetricsRegistry,
        logger: Logger, now: @escaping @Sendable () -> Int64,
        onListening: @escaping @Sendable (ListenerKind, Int) async -> Void = { _, _ in }
    ) {
        let table = RouteTable(useCases, metrics: metrics)
        let gate = RequestGate(
            oversight: useCases.oversight, load: LoadLimits(settings.load), metrics: metrics, now: now,
            peer: { ConnectionPeer.current })
        let refusals = HandshakeRefusals(oversight: useCases.oversight, metrics: metrics, logger: logger)
        let environment = ConnectionEnvironment(
            limiter: ConnectionLimiter(settings.caps), deadlines: settings.deadlines, metrics: metrics,
            refusals: refusals, now: now)

        func application(_ listener: ListenerKind, _ address: ServerSettings.Address) -> any Service {
            Application(
                router: APIRouter.router(for: listener, table: table, gate: gate),
                server: HTTPServerBuilder { responder in
                    PeerChannel(
                        responder: responder, listener: listener, tls: listener == .loopback ? nil : tls,
                        environment: environment)
                },
                configuration: ApplicationConfiguration(
                    address: .hostname(address.host, port: address.port), serverName: nil, backlog: 1024),
                onServerRunning: { channel in await onListening(listener, channel.localAddress?.port ?? address.port) },
                logger: logger)
        }

        self.table = table
        services =
            [refusals] + (settings.loopback.map { [application(.loopback, $0)] } ?? [])
            + [application(.enrollment, settings.enrollment), application(.main, settings.main)]
    }
}

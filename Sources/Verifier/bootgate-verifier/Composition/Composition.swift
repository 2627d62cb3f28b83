internal import Admission
internal import AttestationMessages
internal import HostProcess
internal import Logging
internal import SIEMForwarding
internal import SecurityEvents
internal import ServiceLifecycle
internal import UnixSignals
internal import VerifierAPI
internal import VerifierService
internal import VerifierStore

/// The composition root: makes every value that `run` needs, and the services in the order of their dependence; the
/// listeners start last and stop first.
struct Composition {
    private let configuration: VerifierConfiguration
    private let logger: Logger
    private let store: SQLiteStore
    private let policy: VerifierPolicy
    private let labMode: Bool
    private let metrics = MetricsRegistry()

    init(_ configuration: VerifierConfiguration, logger: Logger) async throws {
        self.configuration = configuration
        self.logger = logger
        let data = configuration.data
        store = try SQLiteStore(path: data.store, auditKey: try AuditKeyFile.read(path: data.auditKey))
        var policy = Self.policy(configuration)
        policy.referenceSignatures = configuration.referenceSignatures
        policy.operatorTrust = OperatorTrust(try TrustFiles(configuration: configuration).operatorTrust())
        self.policy = policy
        labMode = try await store.read { try $0.setting(StoredSetting.labMode) == "true" }
    }

    private static func policy(_ configuration: VerifierConfiguration) -> VerifierPolicy {
        var policy = VerifierPolicy()
        guard let defaults = configuration.defaultGroup else { return policy }
        var settings = policy.defaultSettings
        settings.fingerprintIntervals.merge(defaults.fingerprintIntervals) { _, new in new }
        // What the configuration leaves out stays as built in.
        if defaults.attestationIntervalSeconds > 0 {
            settings.attestationIntervalSeconds = defaults.attestationIntervalSeconds
        }
        if !defaults.requiredLayers.isEmpty { settings.requiredLayers = defaults.requiredLayers }
        if !defaults.warningPassesIn.isEmpty { settings.warningPassesIn = defaults.warningPassesIn }
        if !defaults.fingerprintDifference.isEmpty { settings.fingerprintDifference = defaults.fingerprintDifference }
        policy.defaultSettings = settings
        return policy
    }

    func serviceGroup() async throws -> ServiceGroup {
        let data = configuration.data
        let trust = TrustFiles(configuration: configuration)
        let tls = try ReloadableTLS(try trust.load())
        let endorsements = try EndorsementChecker(configuration.endorsements)
        let issuer = CertificateIssuer(
            identity: try data.authority(.identity), operators: try data.authority(.operator))
        let (key, previous) = try data.resultSigningKey()
        let instance = try await store.read { try $0.instanceID() }
        let signer = try await AttestationResultSigner(
            authority: try data.authority(.admission), issuer: "urn:uuid:\(instance)", build: Version.text, key: key,
            previous: previous)
        let alarms = StoreAlarms(store: store)
        let attestation = AttestationService(store: store, policy: policy)
        let oversight = OversightService(
            store: store, policy: policy, issuer: issuer,
            facts: VerifierFacts(
                version: Version.text, labMode: labMode,
                certificateExpiry: { try? trust.watched().first?.certificate.notAfterMilliseconds }))
        let forwarders = configuration.destinations.map(forwarder)
        let keeper = OutboxKeeper(store: store, cap: configuration.outboxCap, logger: logger)
        let probes = Probes(store: store, siem: forwarders.map(\.health) + [keeper.health], certificates: trust.watched)
        let servers = VerifierServers(
            settings: configuration.servers,
            useCases: useCases(
                endorsements: endorsements, issuer: issuer, signer: signer, attestation: attestation,
                oversight: oversight, probes: probes),
            tls: tls, metrics: metrics, logger: logger, now: { [store] in store.clock.now() },
            onListening: announcing(logger, count: configuration.servers.loopback == nil ? 2 : 3))
        let watch = CertificateWatch(store: store, alarms: alarms, certificates: trust.watched, logger: logger)
        let reloader = TrustReloader(
            [
                .init("reload-begins") { ServiceManager.notify(.reloading) },
                .init("tls") { try tls.replace(with: try trust.load()) },
                .init("reference-signers") { [policy] in policy.operatorTrust.replace(with: try trust.operatorTrust())
                },
                .init("certificate-ends") { await watch.checkAll() },
                .init("endorsements") { try endorsements.reload() },
                .init("result-key") {
                    let (key, previous) = try data.resultSigningKey()
                    try await signer.rotate(to: key, previous: previous)
                },
                // Every part is tried: a refused one keeps its last good state and has raised its alarm.
                .init("reload-ends") { ServiceManager.notify(.ready) },
            ], alarms: alarms, metrics: metrics, logger: logger, signals: Self.hangups)
        try await alarms.raise(
            SecurityEventID.verifierStarted, severity: .info, message: "The verifier has started",
            fields: ["version": Version.text, "instance": instance, "lab-mode": "\(labMode)"])

        try await StoreOutbox(store).noteRemoved(configured: Set(configuration.destinations.map(\.name)))
        let supporting: [any Service] =
            [StoreKeeper(store: store)] + forwarders
            + [
                keeper,
                MonitorService(
                    monitor: StaleMonitor(store: store, attestation: attestation, policy: policy, logger: logger)),
                watch, reloader, StoreWatchdog(store: store, readiness: { await probes.readiness() }, logger: logger),
            ]
        var group = ServiceGroupConfiguration(
            services: supporting + servers.services, gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        // AV-08: what is in progress gets 10 s, then the process ends; acknowledged work is on disk by then.
        group.maximumGracefulShutdownDuration = .seconds(10)
        return ServiceGroup(configuration: group)
    }

    private func useCases(
        endorsements: EndorsementChecker, issuer: CertificateIssuer, signer: AttestationResultSigner,
        attestation: AttestationService, oversight: OversightService, probes: Probes
    ) -> APIUseCases {
        let store = self.store
        return APIUseCases(
            enrollment: EnrollmentService(store: store, endorsements: endorsements, issuer: issuer, policy: policy),
            attestation: attestation, admission: AdmissionService(store: store, issuer: signer, policy: policy),
            overrides: OverrideService(store: store, issuer: signer, random: SystemRandom(), labMode: labMode),
            nodes: NodeService(store: store, random: SystemRandom(), policy: policy),
            references: ReferenceService(store: store, labMode: labMode, policy: policy),
            plans: PlanService(store: store, labMode: labMode, policy: policy),
            fingerprints: FingerprintService(store: store, policy: policy, labMode: labMode), oversight: oversight,
            keySet: { try signer.keySet.json() },
            readiness: { await probes.readiness() }, gauges: { await probes.gauges() })
    }

    private func forwarder(_ destination: SIEMDestination) -> SIEMForwarder {
        let sink: any EventSink
        switch destination.kind {
        case .jsonLines(let path): sink = JSONLinesSink(path: path)
        case .syslogTLS(let syslog):
            sink = SyslogTLSSink(
                syslog, hostname: HostName.current, processID: HostName.processID, productVersion: Version.text)
        }
        return SIEMForwarder(destination, outbox: StoreOutbox(store), sink: sink, logger: logger)
    }

    /// Tells the log and systemd when all listeners are there.
    private func announcing(_ logger: Logger, count: Int) -> @Sendable (ListenerKind, Int) async -> Void {
        let listening = ListenerCount(expected: count)
        return { listener, port in
            logger.notice("listening", metadata: ["listener": "\(listener.rawValue)", "port": "\(port)"])
            guard listening.add() else { return }
            // Half of the 50 MiB of a verifier without a node are pages of files that only its start touched.
            ResidentMemory.releaseStartUpPages()
            ServiceManager.notify(.ready, .status("all \(count) listeners are open"))
        }
    }

    @Sendable private static func hangups() async -> AsyncStream<Void> {
        let signals = await UnixSignalsSequence(trapping: .sighup)
        let (stream, continuation) = AsyncStream<Void>.makeStream()
        let task = Task {
            for await _ in signals { continuation.yield() }
            continuation.finish()
        }
        continuation.onTermination = { _ in task.cancel() }
        return stream
    }
}

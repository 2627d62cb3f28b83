package import AttestationMessages
package import AttestingEnvironment
internal import ByteParsing
package import ESAPI
internal import Glibc
package import HostProcess
package import Logging
internal import VerifierClient

/// Executes what ``AttesterMachine`` decides: enrolls, renews, attests, waits. Survives a verifier that is down, a busy
/// TPM and being killed at any point: what lasts is in the TPM and in one file that is replaced whole.
package actor AttesterSession {
    let configuration: SessionConfiguration
    let tpm: TPM
    let state: StateDirectory
    private let publication: PublicDirectory
    let watchdog: Watchdog
    let inventory: any FingerprintCollecting
    let logger: Logger
    let agentRunID: String
    let bootID: String

    /// Everything that needs the TPM's keys; made at the first step, again after the TPM failed at it.
    struct Ready {
        var keys: NodeKeys
        var enrollmentClient: VerifierClient
        var mainClient: VerifierClient?
        var machine: AttesterMachine
        var collector: EvidenceCollector
        /// Came with the last reply: saves a call when evidence is due within its life.
        var nextChallenge: (challenge: AttestationChallenge, voidAt: Int64)?
    }
    var ready: Ready?
    var status: AgentStatus
    private var startBackoff = Backoff()
    private var random = SystemRandomNumberGenerator()

    package init(
        configuration: SessionConfiguration, tpm: TPM, state: StateDirectory, publication: PublicDirectory,
        inventory: any FingerprintCollecting, bootID: String, logger: Logger, watchdog: Watchdog = Watchdog()
    ) {
        self.configuration = configuration
        self.tpm = tpm
        self.state = state
        self.publication = publication
        self.watchdog = watchdog
        self.inventory = inventory
        self.logger = logger
        self.bootID = bootID
        var generator = SystemRandomNumberGenerator()
        agentRunID = Hex.encode((0..<16).map { _ in UInt8.random(in: 0...255, using: &generator) })
        status = AgentStatus(
            nodeID: configuration.nodeID, agentVersion: configuration.agentVersion, processID: getpid(),
            agentRunID: agentRunID, bootID: bootID, membership: "starting",
            startedAtMilliseconds: AgentTime.now().wall)
        // One that cannot be read is none.
        status.adopt((try? AgentStatus.load(publication)) ?? nil)
    }

    /// Runs until the task is cancelled. Never throws: everything that fails is logged and tried again.
    package func run() async {
        saveStatus()
        var isStarting = true
        while !Task.isCancelled {
            let pause = await advance().pause
            status.nextStepAtMilliseconds = AgentTime.now().wall.addingReportingOverflow(pause).partialValue
            saveStatus()
            guard pause > 0 else { continue }
            // The first pause ends the start: 28.5 MiB were resident without this, 24 are the budget.
            if isStarting { ResidentMemory.releaseStartUpPages() }
            isStarting = false
            do { try await rest(pause) } catch { break }
        }
        status.membership = "stopped"
        status.nextStepAtMilliseconds = nil
        saveStatus()
        logger.info("stopped", metadata: ["code": "AGENT_STOPPED"])
    }

    /// Enrolls where needed and attests once.
    ///
    /// - Returns: The verdict, or the failure that ended the attempt; pending ends it too.
    package func once() async -> Result<Verdict, SessionFailure> {
        while true {
            if Task.isCancelled { return .failure(SessionFailure(CancellationError())) }
            let result = await advance()
            saveStatus()
            switch result.outcome {
            case .attested(let verdict): return .success(verdict)
            case .failed(let failure):
                // A machine that has another idea at once (renew after 401, ask again after 409) may follow it.
                if result.pause > 0 { return .failure(failure) }
            case .pending:
                return .failure(
                    SessionFailure(
                        .refused(403, "AGENT_PENDING"), code: "AGENT_PENDING",
                        message: "the node waits for an operator's approval"))
            case .joined, .waiting: break
            }
            if result.pause > 0 { do { try await rest(result.pause) } catch {} }
        }
    }

    /// Waits, and says meanwhile that the loop is alive. Nothing else feeds the watchdog but the steps themselves.
    func rest(_ milliseconds: Int64) async throws {
        var left = milliseconds
        while left > 0 {
            watchdog.feed()
            let part = min(left, watchdog.interval ?? left)
            try await Task.sleep(for: .milliseconds(part))
            left -= part
        }
    }

    // MARK: One step

    enum Outcome: Sendable {
        case joined, pending, waiting
        case attested(Verdict)
        case failed(SessionFailure)
    }

    /// Does one step; `pause` is the time in milliseconds until the next.
    private func advance() async -> (outcome: Outcome, pause: Int64) {
        watchdog.feed()
        do {
            try await prepare()
        } catch {
            let failure = SessionFailure(error)
            report(failure, "start")
            return (.failed(failure), startBackoff.next(random: random.next()))
        }
        guard let step = ready?.machine.step(.now()) else { return (.waiting, 1000) }
        let outcome: Outcome
        do {
            switch step {
            case .wait(let pause): return (.waiting, pause)
            case .enroll: outcome = try await enroll()
            case .renew: outcome = try await renew()
            case .attest: outcome = try await attest()
            }
            status.lastFailureCode = nil
            status.lastFailure = nil
            status.failuresInARow = 0
        } catch {
            let failure = SessionFailure(error)
            report(failure, "\(step)")
            loseAdmission(failure)
            ready?.machine.didFail(step, failure, now: .now(), random: random.next())
            outcome = .failed(failure)
        }
        switch ready?.machine.membership {
        case .enrolled: status.membership = "enrolled"
        case .pending: status.membership = "pending"
        default: status.membership = "unenrolled"
        }
        if case .wait(let pause)? = ready?.machine.step(.now()) { return (outcome, pause) }
        return (outcome, 0)
    }

    private func prepare() async throws {
        guard ready == nil else { return }
        let keys = try await NodeKeys.load(tpm, configuration.keys)
        let certificate = try await Self.selfSigned(keys, configuration.nodeID)
        var identity = try StoredIdentity.load(state)
        if let stored = identity,
            stored.nodeID != configuration.nodeID || stored.akName.bytes != keys.attestation.name
                || stored.nodeKeyName.bytes != keys.node.name
        {
            logger.warning(
                "the stored identity belongs to other keys or another node id",
                metadata: ["code": "AGENT_WRONG_TPM", "stored-node": "\(stored.nodeID)"])
            identity = nil
        }
        let now = AgentTime.now()
        let membership: AttesterMachine.Membership =
            switch identity?.lifecycle {
            case nil: .unenrolled
            case .pending: .pending
            default: .enrolled
            }
        ready = Ready(
            keys: keys,
            enrollmentClient: client(configuration.enrollment, [certificate], keys),
            mainClient: identity.map { client(configuration.verifier, $0.certificates.map(\.bytes), keys) },
            machine: AttesterMachine(
                membership: membership,
                certificate: identity.map {
                    .init(issuedAtWall: $0.issuedAtWallMilliseconds, lifeMilliseconds: $0.lifeMilliseconds)
                }, now: now),
            collector: EvidenceCollector(
                configuration: configuration, keys: keys, inventory: inventory, agentRunID: agentRunID,
                bootID: bootID, logger: logger))
        let spent = await tpmMilliseconds()
        logger.info(
            "keys are ready",
            metadata: [
                "ak": "\(Hex.encode(keys.attestation.name))", "ek": "\(Hex.encode(keys.endorsement.name))",
                "membership": "\(membership)", "tpm-ms": "\(spent)",
            ])
    }

    /// What the TPM took since the last line of the log that says so.
    func tpmMilliseconds() async -> Int64 {
        let (seconds, attoseconds) = await tpm.takeTimeSpent().components
        return seconds * 1000 + attoseconds / 1_000_000_000_000_000
    }

    func client(_ endpoint: VerifierEndpoint, _ certificates: [[UInt8]], _ keys: NodeKeys) -> VerifierClient {
        VerifierClient(
            endpoint: endpoint, credentials: .external(certificates: certificates, key: keys.tlsKey),
            userAgent: "bootgate-agent/\(configuration.agentVersion)",
            timeoutSeconds: configuration.callTimeoutSeconds)
    }

    func nextRandom() -> UInt64 { random.next() }

    // MARK: Telling

    private func report(_ failure: SessionFailure, _ step: String) {
        status.lastFailureCode = failure.code
        status.lastFailure = failure.message
        status.failuresInARow += 1
        guard failure.kind != .cancelled else { return }
        logger.warning(
            "step failed",
            metadata: ["code": "\(failure.code)", "step": "\(step)", "reason": "\(failure.message)"])
    }

    private func saveStatus() {
        // The status file is a convenience: a full disk must not stop the attestation.
        do { try status.save(publication) } catch {
            logger.warning("status not saved", metadata: ["code": "AGENT_STATE_FILE", "reason": "\(error)"])
        }
        ServiceManager.notify(.status(status.line(.now())))
    }
}

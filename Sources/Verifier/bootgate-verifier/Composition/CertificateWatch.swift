internal import Admission
internal import FoundationEssentials
internal import Logging
internal import ServiceLifecycle
internal import VerifierService
internal import X509

/// Announces the end of the server certificate and of the CAs 30, 7 and 1 days before (TA-21), once each, over restarts.
struct CertificateWatch: Service {
    let store: any TransactionalStore
    let alarms: any VerifierAlarms
    let certificates: @Sendable () throws -> [(name: String, certificate: Certificate)]
    let logger: Logger
    var interval = Duration.seconds(3600)

    func run() async throws {
        while !Task.isShuttingDownGracefully {
            await checkAll()
            try? await cancelWhenGracefulShutdown { try await Task.sleep(for: interval) }
            if Task.isCancelled { return }
        }
    }

    /// Also after a reload, so that whoever put a certificate in that is about to end hears it at once.
    func checkAll() async {
        do {
            for (name, certificate) in try certificates() { try await check(name, certificate) }
        } catch {
            logger.error("certificates not checked", metadata: ["error": "\(error)"])
        }
    }

    private func check(_ name: String, _ certificate: Certificate) async throws {
        let notAfter = certificate.notAfterMilliseconds
        let key = StoredSetting.certificateAlarm + "\(name).\(notAfter)"
        let announced = try await store.read { try $0.setting(key).flatMap { Int($0) } }
        guard
            let due = CertificateEnd.due(
                notAfterMilliseconds: notAfter, nowMilliseconds: store.clock.now(), announced: announced)
        else { return }
        try await alarms.raise(
            CertificateEnd.code, severity: due.severity,
            message: "The certificate \(name) ends within \(due.days) days",
            fields: ["certificate": name, "ends-at-milliseconds": "\(notAfter)"])
        try await store.write { try $0.set(key, to: "\(due.days)") }
    }
}

extension Certificate {
    var notAfterMilliseconds: Int64 {
        Int64(exactly: (notValidAfter.timeIntervalSince1970 * 1000).rounded()) ?? .max
    }
}

internal import AttestationMessages
internal import SIEMForwarding
internal import VerifierAPI
internal import VerifierService
internal import X509

/// What `/readyz` and `/metrics` tell of the store and the SIEM.
struct Probes {
    let store: any TransactionalStore
    let siem: [SIEMHealth]
    let certificates: @Sendable () throws -> [(name: String, certificate: Certificate)]

    func readiness() async -> Readiness {
        guard (try? await store.read { try $0.instanceID() }) != nil else { return .unavailable }
        return siem.contains(where: \.isBehind) ? .degraded(["siem-backlog"]) : .ready
    }

    /// Nothing where the store cannot be read: a missing series is seen, a wrong zero is not.
    func gauges() async -> [Gauge] {
        let gauges = try? await store.read { snapshot in
            let nodes = try snapshot.nodeCountByShownState()
            let backlogs = try snapshot.destinations().map { destination in
                Gauge(
                    MetricNames.siemBacklog, labels: ["destination": destination.name],
                    value: Double(try snapshot.backlog(of: destination)))
            }
            return NodeState.allCases.map { state in
                Gauge(MetricNames.nodes, labels: ["state": state.rawValue], value: Double(nodes[state] ?? 0))
            } + backlogs + [
                Gauge(MetricNames.openAlarms, value: Double(try snapshot.openAlarmCount())),
                Gauge(MetricNames.siemOutbox, value: Double(try snapshot.outboxBytes())),
            ]
        }
        return (gauges ?? []) + expiries()
    }

    private func expiries() -> [Gauge] {
        ((try? certificates()) ?? []).map { name, certificate in
            Gauge(
                MetricNames.certificateExpiry, labels: ["certificate": name],
                value: Double(certificate.notAfterMilliseconds / 1000))
        }
    }
}

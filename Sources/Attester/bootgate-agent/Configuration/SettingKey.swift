/// Every setting of the agent. A key that is not here is refused.
enum SettingKey: String, CaseIterable, Sendable {
    case enrollmentURL = "verifier.enrollment-url"
    case verifierURL = "verifier.url"
    case caFile = "verifier.ca-file"
    case verifierName = "verifier.name"
    case pins = "verifier.pins"
    case timeout = "verifier.timeout-seconds"
    case nodeID = "node.id"
    case manifestTokenFile = "node.manifest-token-file"
    case tcti = "tpm.tcti"
    case endorsementKey = "tpm.ek"
    case attestationKey = "tpm.ak"
    case eventLog = "evidence.event-log"
    case measurementList = "evidence.measurement-list"
    case bootID = "evidence.boot-id"
    case stateDirectory = "state.directory"
    case statusDirectory = "status.directory"
    case inventoryRoot = "inventory.root"
    case logLevel = "log.level"
    case logFormat = "log.format"

    var defaultValue: String? {
        switch self {
        case .tcti: "device:/dev/tpmrm0"
        case .attestationKey: "p256"
        case .eventLog: "/sys/kernel/security/tpm0/binary_bios_measurements"
        case .measurementList: "/sys/kernel/security/ima/binary_runtime_measurements"
        case .bootID: "/proc/sys/kernel/random/boot_id"
        case .stateDirectory: "/var/lib/bootgate-agent"
        case .inventoryRoot: "/"
        case .logLevel: "info"
        case .logFormat: "json"
        case .timeout: "60"
        default: nil
        }
    }

    /// Beside the default state directory; systemd makes it (RuntimeDirectory) and it is gone with the boot.
    static let defaultStatusDirectory = "/run/bootgate-agent"

    /// Only what cannot turn the agent elsewhere may come from the environment (catalogue AG-02).
    var variable: String? {
        switch self {
        case .logLevel: "BOOTGATE_AGENT_LOG_LEVEL"
        case .logFormat: "BOOTGATE_AGENT_LOG_FORMAT"
        default: nil
        }
    }
}

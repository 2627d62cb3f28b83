public import TPMStructures

/// One layer of the boot and of what runs after it, in boot order (architecture, "Layers, in boot order").
public enum LayerID: String, Hashable, Sendable, Codable, CaseIterable, Comparable, CodingKeyRepresentable {
    case tpmIdentity = "tpm-identity"
    case firmware
    case platformConfiguration = "platform-configuration"
    case secureBoot = "secure-boot"
    case bootLoader = "boot-loader"
    case kernel
    case runtime
    case images
    case hostBaseline = "host-baseline"
    case assetFingerprints = "asset-fingerprints"

    /// The layer whose failure makes this one's evidence worthless.
    public var restsOn: LayerID? {
        switch self {
        case .tpmIdentity: nil
        case .firmware: .tpmIdentity
        case .platformConfiguration, .secureBoot: .firmware
        case .bootLoader: .secureBoot
        case .kernel: .bootLoader
        case .runtime: .kernel
        case .images, .hostBaseline, .assetFingerprints: .runtime
        }
    }

    /// The layers that the boot event log and the quoted registers prove.
    public static let boot: [LayerID] = [.firmware, .platformConfiguration, .secureBoot, .bootLoader, .kernel]

    /// IMA's register: it grows with every file, so the measurement list judges it (section `runtime` of a set).
    public static let measurementListPCR = 10

    /// Registers that a reference set must speak about when it covers this layer (catalogue RV-13).
    public var pcrs: PCRSet {
        let numbers: [UInt8] =
            switch self {
            case .firmware: [0, 2]
            case .platformConfiguration: [1, 3, 6]
            case .secureBoot: [7, 14]
            case .bootLoader: [4, 5, 8, 9, 12]
            case .kernel: [4, 8, 9, 11, 12, 13]
            case .runtime: [UInt8(Self.measurementListPCR)]
            case .tpmIdentity, .images, .hostBaseline, .assetFingerprints: []
            }
        return PCRSet(numbers.compactMap { PCRIndex($0) })
    }

    /// The layer to which an event belongs that no reference knows: its register alone decides, never its label.
    /// nil for registers that no layer of the boot judges (10, 15–23).
    public static func layer(ofUnknownEventIn pcr: PCRIndex) -> LayerID? {
        switch pcr.rawValue {
        case 0, 2: .firmware
        case 1, 3, 6: .platformConfiguration
        case 7, 14: .secureBoot
        case 4, 5: .bootLoader
        case 8, 9, 11, 12, 13: .kernel
        default: nil
        }
    }

    private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }
    public static func < (left: Self, right: Self) -> Bool { left.rank < right.rank }
}

// swift-tools-version: 6.3
import PackageDescription

// The house rules of the language, one array for every room. Why each is on: Sources/Bootgate.docc/Contributing.md.
let sharedSettings: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InferIsolatedConformances"),
    .enableUpcomingFeature("ImmutableWeakCaptures"),
]
let sourceSettings = sharedSettings + [.strictMemorySafety(), .enableExperimentalFeature("Lifetimes")]

// MARK: Products of other packages

let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let cryptoExtras: Target.Dependency = .product(name: "CryptoExtras", package: "swift-crypto")
let x509: Target.Dependency = .product(name: "X509", package: "swift-certificates")
let swiftASN1: Target.Dependency = .product(name: "SwiftASN1", package: "swift-asn1")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let tomlKit: Target.Dependency = .product(name: "TOMLKit", package: "TOMLKit")
let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let grdbSQLite: Target.Dependency = .product(name: "GRDBSQLite", package: "GRDB.swift")
let jwtKit: Target.Dependency = .product(name: "JWTKit", package: "jwt-kit")
let hummingbird: Target.Dependency = .product(name: "Hummingbird", package: "hummingbird")
let hummingbirdCore: Target.Dependency = .product(name: "HummingbirdCore", package: "hummingbird")
let hummingbirdTLS: Target.Dependency = .product(name: "HummingbirdTLS", package: "hummingbird")
let hummingbirdTesting: Target.Dependency = .product(name: "HummingbirdTesting", package: "hummingbird")
let httpTypes: Target.Dependency = .product(name: "HTTPTypes", package: "swift-http-types")
let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioEmbedded: Target.Dependency = .product(name: "NIOEmbedded", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioHTTP1: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let nioTLS: Target.Dependency = .product(name: "NIOTLS", package: "swift-nio")
let nioSSL: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let serviceLifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let unixSignals: Target.Dependency = .product(name: "UnixSignals", package: "swift-service-lifecycle")

/// `Tools/package` links the Swift runtime into the verifier and the operators' command (decision 0028); the agent always has
/// it. What the static libraries of Foundation need of each other is named here: the compiler records it only for code that
/// was compiled for static linking, and that would be a second build of everything.
let packagedRuntime: [LinkerSetting] =
    Context.environment["BOOTGATE_STATIC_RUNTIME"] == "1"
    ? [
        .unsafeFlags(
            [
                "-static-stdlib", "-lFoundation", "-lCoreFoundation", "-lFoundationInternationalization",
                "-lFoundationEssentials", "-l_FoundationICU", "-l_FoundationCollections", "-l_FoundationCShims",
                "-lswiftSynchronization",
            ], .when(configuration: .release))
    ] : []

/// Folder = layer = allowed imports: `layer` is the folder below `Sources`.
func room(_ name: String, in layer: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, path: "Sources/\(layer)/\(name)", swiftSettings: sourceSettings)
}
func program(
    _ name: String, in path: String, _ dependencies: [Target.Dependency], linkerSettings: [LinkerSetting]? = nil
) -> Target {
    .executableTarget(
        name: name, dependencies: dependencies, path: path, swiftSettings: sourceSettings,
        linkerSettings: linkerSettings)
}
func tests(_ name: String, in layer: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(
        name: name, dependencies: dependencies, path: "Tests/\(layer)/\(name)", swiftSettings: sharedSettings)
}

let core: [Target] = [
    room("ByteParsing", in: "Core"),
    room("JSONCoding", in: "Core"),
    room("TPMStructures", in: "Core", ["ByteParsing"]),
    .systemLibrary(
        name: "COpenSSL", path: "Sources/Core/COpenSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    room("TPMCryptography", in: "Core", ["ByteParsing", "TPMStructures", "COpenSSL", crypto, cryptoExtras]),
    room("TCGEventLog", in: "Core", ["ByteParsing", "TPMStructures", "TPMCryptography"]),
    room("IMAMeasurementList", in: "Core", ["ByteParsing", "TPMStructures", "TPMCryptography"]),
    room("AssetFingerprints", in: "Core", ["ByteParsing", "JSONCoding"]),
    room("ReferenceValues", in: "Core", ["ByteParsing", "JSONCoding", "TPMStructures", "TPMCryptography"]),
    room(
        "Endorsements", in: "Core",
        ["ByteParsing", "TPMStructures", "TPMCryptography", crypto, cryptoExtras, x509, swiftASN1]),
    room(
        "AttestationMessages", in: "Core",
        ["ByteParsing", "JSONCoding", "TPMStructures", "TPMCryptography", "AssetFingerprints"]),
    room(
        "Appraisal", in: "Core",
        [
            "ByteParsing", "JSONCoding", "TPMStructures", "TPMCryptography", "TCGEventLog", "IMAMeasurementList",
            "AssetFingerprints", "ReferenceValues", "Endorsements",
        ]),
    room(
        "BootPrediction", in: "Core",
        [
            "ByteParsing", "JSONCoding", "TPMStructures", "TPMCryptography", "TCGEventLog", "ReferenceValues",
            "Appraisal",
        ]),
    room("SecurityEvents", in: "Core", ["ByteParsing"]),
]

/// The process and the system around it: imports no room, and only the two services import it.
let platform: [Target] = [
    .systemLibrary(name: "CGNU", path: "Sources/Platform/CGNU"),
    room("HostProcess", in: "Platform", ["CGNU"]),
]

let transport: [Target] = [
    .systemLibrary(
        name: "CCurl", path: "Sources/Transport/CCurl", pkgConfig: "libcurl",
        providers: [.apt(["libcurl4-openssl-dev"])]),
    room(
        "VerifierClient", in: "Transport",
        ["AssetFingerprints", "AttestationMessages", "ByteParsing", "CCurl", "JSONCoding", crypto]),
]

let attester: [Target] = [
    .systemLibrary(
        name: "CTSS2", path: "Sources/Attester/CTSS2", pkgConfig: "tss2-esys", providers: [.apt(["libtss2-dev"])]),
    room("ESAPI", in: "Attester", ["ByteParsing", "TPMStructures", "CTSS2"]),
    room("AttestingEnvironment", in: "Attester", ["ByteParsing", "TPMStructures"]),
    room("HostInventory", in: "Attester", ["AssetFingerprints", "ByteParsing"]),
    room(
        "AttesterSession", in: "Attester",
        [
            "AssetFingerprints", "AttestationMessages", "AttestingEnvironment", "ByteParsing", "ESAPI", "HostInventory",
            "HostProcess", "JSONCoding", "TPMCryptography", "TPMStructures", "VerifierClient", logging,
        ]),
    program(
        "bootgate-agent", in: "Sources/Attester/bootgate-agent",
        [
            "AssetFingerprints", "AttestationMessages", "AttesterSession", "AttestingEnvironment", "ByteParsing",
            "ESAPI", "HostInventory", "HostProcess", "JSONCoding", "TPMStructures", "VerifierClient", argumentParser,
            logging, tomlKit,
        ],
        linkerSettings: [
            .unsafeFlags(
                ["-static-stdlib", "-l_FoundationCollections", "-l_FoundationCShims", "-lswiftSynchronization"],
                .when(configuration: .release))
        ]),
]

let verifier: [Target] = [
    room(
        "VerifierService", in: "Verifier",
        [
            "Appraisal", "AssetFingerprints", "AttestationMessages", "ByteParsing", "Endorsements", "JSONCoding",
            "ReferenceValues", "SecurityEvents", "TCGEventLog", "TPMCryptography", "TPMStructures", crypto, logging,
        ]),
    room(
        "VerifierStore", in: "Verifier",
        [
            "Appraisal", "AssetFingerprints", "AttestationMessages", "ByteParsing", "JSONCoding", "ReferenceValues",
            "SecurityEvents", "TPMStructures", "VerifierService", crypto, grdb, grdbSQLite, logging,
        ]),
    room(
        "Admission", in: "Verifier",
        [
            "AttestationMessages", "ByteParsing", "TPMCryptography", "TPMStructures", "SecurityEvents",
            "VerifierService", crypto, x509,
            swiftASN1, jwtKit,
        ]),
    room(
        "VerifierAPI", in: "Verifier",
        [
            "AssetFingerprints", "AttestationMessages", "ByteParsing", "JSONCoding", "SecurityEvents",
            "TPMCryptography", "VerifierService", crypto,
            hummingbird, hummingbirdCore, httpTypes, logging, nioCore, nioHTTP1, nioSSL, nioTLS, serviceLifecycle,
            swiftASN1, x509,
        ]),
    room(
        "SIEMForwarding", in: "Verifier",
        [
            "ByteParsing", "SecurityEvents", "VerifierService", logging, nioCore, nioPosix, nioSSL, nioTLS,
            serviceLifecycle,
        ]),
    program(
        "bootgate-verifier", in: "Sources/Verifier/bootgate-verifier",
        [
            "Admission", "Appraisal", "AssetFingerprints", "AttestationMessages", "ByteParsing", "Endorsements",
            "HostProcess", "JSONCoding", "ReferenceValues", "SIEMForwarding", "SecurityEvents", "TPMCryptography",
            "VerifierAPI", "VerifierService", "VerifierStore", argumentParser, crypto, logging, nioCore, nioSSL,
            serviceLifecycle, tomlKit, unixSignals, x509,
        ], linkerSettings: packagedRuntime),
]

let operatorCommand: [Target] = [
    program(
        "bootgate", in: "Sources/Operator/bootgate",
        [
            "Appraisal", "AssetFingerprints", "AttestationMessages", "BootPrediction", "ByteParsing", "Endorsements",
            "IMAMeasurementList", "JSONCoding", "ReferenceValues", "SecurityEvents", "TCGEventLog", "TPMCryptography",
            "TPMStructures", "VerifierClient", argumentParser, tomlKit,
        ], linkerSettings: packagedRuntime)
]

let tools: [Target] = [
    program(
        "bootgate-fleet", in: "Tools/Simulation/Fleet",
        [
            "AttestationMessages", "AttestationTestKit", "ByteParsing", "JSONCoding", "TCGEventLog", "TPMCryptography",
            "TPMStructures", argumentParser, crypto, nioCore, nioHTTP1, nioPosix, nioSSL, swiftASN1, x509,
        ])
]

let testSupport: [Target] = [
    .target(
        name: "TestVectors", path: "Tests/Support/TestVectors", resources: [.copy("Resources")],
        swiftSettings: sharedSettings),
    .target(
        name: "SoftwareTPM", dependencies: ["ByteParsing"], path: "Tests/Support/SoftwareTPM",
        swiftSettings: sharedSettings),
    .target(
        name: "StubVerifier",
        dependencies: [
            "AssetFingerprints", "AttestationMessages", "ByteParsing", "TPMCryptography", "TPMStructures", crypto,
            nioCore, nioHTTP1, nioPosix, nioSSL, nioTLS, swiftASN1, x509,
        ],
        path: "Tests/Support/StubVerifier", swiftSettings: sharedSettings),
    .target(
        name: "AttestationTestKit",
        dependencies: [
            "ByteParsing", "TPMStructures", "TPMCryptography", "TCGEventLog", "AttestationMessages", crypto,
            cryptoExtras, x509, swiftASN1,
        ],
        path: "Tests/Support/AttestationTestKit", swiftSettings: sharedSettings),
]

let testTargets: [Target] = [
    tests("ByteParsingTests", in: "Core", ["ByteParsing"]),
    tests("JSONCodingTests", in: "Core", ["JSONCoding"]),
    tests("TPMStructuresTests", in: "Core", ["ByteParsing", "TPMStructures", "TestVectors"]),
    tests(
        "TPMCryptographyTests", in: "Core",
        [
            "AttestationTestKit", "ByteParsing", "TPMStructures", "TPMCryptography", "TestVectors", "SoftwareTPM",
            crypto, cryptoExtras,
        ]),
    tests(
        "TCGEventLogTests", in: "Core",
        ["AttestationTestKit", "ByteParsing", "TPMStructures", "TPMCryptography", "TCGEventLog", "TestVectors"]),
    tests(
        "IMAMeasurementListTests", in: "Core",
        [
            "AttestationTestKit", "ByteParsing", "IMAMeasurementList", "TPMCryptography", "TPMStructures",
            "TestVectors",
        ]),
    tests("AssetFingerprintsTests", in: "Core", ["AssetFingerprints", "ByteParsing"]),
    tests(
        "ReferenceValuesTests", in: "Core",
        [
            "AttestationTestKit", "ByteParsing", "JSONCoding", "ReferenceValues", "TPMCryptography", "TPMStructures",
            "TestVectors", crypto, cryptoExtras, swiftASN1, x509,
        ]),
    tests(
        "EndorsementsTests", in: "Core",
        [
            "AttestationTestKit", "ByteParsing", "Endorsements", "TPMCryptography", "TPMStructures", "TestVectors",
            crypto, x509,
            swiftASN1,
        ]),
    tests(
        "AttestationMessagesTests", in: "Core",
        ["AssetFingerprints", "AttestationMessages", "ByteParsing", "JSONCoding"]),
    tests(
        "AppraisalTests", in: "Core",
        [
            "Appraisal", "AttestationTestKit", "ByteParsing", "IMAMeasurementList", "ReferenceValues", "TCGEventLog",
            "TPMCryptography", "TPMStructures", "TestVectors", crypto, swiftASN1, x509,
        ]),
    tests(
        "BootPredictionTests", in: "Core",
        [
            "Appraisal", "AttestationTestKit", "BootPrediction", "ByteParsing", "ReferenceValues", "TCGEventLog",
            "TPMCryptography", "TPMStructures", "TestVectors",
        ]),
    tests("SecurityEventsTests", in: "Core", ["ByteParsing", "SecurityEvents"]),
    tests("HostProcessTests", in: "Platform", ["HostProcess", "SoftwareTPM"]),
    tests(
        "VerifierClientTests", in: "Transport",
        ["AttestationMessages", "ByteParsing", "StubVerifier", "VerifierClient", crypto, swiftASN1, x509]),
    tests(
        "ESAPITests", in: "Attester",
        ["AttestationTestKit", "ByteParsing", "ESAPI", "SoftwareTPM", "TPMCryptography", "TPMStructures"]),
    tests("AttestingEnvironmentTests", in: "Attester", ["AttestingEnvironment", "ByteParsing", "SoftwareTPM"]),
    tests("HostInventoryTests", in: "Attester", ["AssetFingerprints", "HostInventory", "SoftwareTPM"]),
    tests(
        "AttesterSessionTests", in: "Attester",
        [
            "AssetFingerprints", "AttestationMessages", "AttesterSession", "AttestingEnvironment", "ByteParsing",
            "ESAPI", "HostProcess", "SoftwareTPM", "StubVerifier", "TPMCryptography", "TPMStructures", "TestVectors",
            "VerifierClient", logging,
        ]),
    tests(
        "VerifierServiceTests", in: "Verifier",
        [
            "Appraisal", "AssetFingerprints", "AttestationMessages", "AttestationTestKit", "ByteParsing",
            "Endorsements",
            "JSONCoding", "ReferenceValues", "SecurityEvents", "SoftwareTPM", "StubVerifier", "TCGEventLog",
            "TPMCryptography", "TPMStructures", "TestVectors",
            "VerifierService", "VerifierStore", crypto, grdb, logging, x509,
        ]),
    tests(
        "VerifierStoreTests", in: "Verifier",
        [
            "AttestationMessages", "ByteParsing", "SecurityEvents", "TPMStructures", "VerifierService",
            "VerifierStore", grdb, logging,
        ]),
    tests(
        "AdmissionTests", in: "Verifier",
        [
            "Admission", "AttestationMessages", "ByteParsing", "JSONCoding", "SecurityEvents", "SoftwareTPM",
            "VerifierService",
            crypto,
            jwtKit, swiftASN1, x509,
        ]),
    tests(
        "VerifierAPITests", in: "Verifier",
        [
            "Admission", "AssetFingerprints", "AttestationMessages", "AttestationTestKit", "ByteParsing", "JSONCoding",
            "SecurityEvents", "SoftwareTPM", "VerifierAPI", "VerifierService", crypto, hummingbird, hummingbirdTesting,
            httpTypes,
            logging, nioCore,
            nioSSL, serviceLifecycle, swiftASN1, x509,
        ]),
    tests(
        "SIEMForwardingTests", in: "Verifier",
        [
            "AttestationMessages", "ByteParsing", "SIEMForwarding", "SecurityEvents", "SoftwareTPM", "VerifierService",
            "VerifierStore", logging, nioCore, nioEmbedded, nioPosix, nioSSL,
        ]),
    tests(
        "OperatorCommandTests", in: "Operator",
        ["AttestationMessages", "ByteParsing", "SoftwareTPM", "StubVerifier", "TestVectors", crypto]),
    .testTarget(
        name: "IntegrationTests",
        dependencies: [
            "Admission", "AssetFingerprints", "AttestationMessages", "AttestationTestKit", "ByteParsing",
            "IMAMeasurementList", "SoftwareTPM", "TCGEventLog", "TPMCryptography", "TPMStructures", "TestVectors",
            "VerifierAPI", "VerifierService", "VerifierStore", crypto, logging, nioSSL, serviceLifecycle, x509,
        ],
        path: "Tests/Integration", exclude: ["Differential/replay.py", "Differential/replay_ima.py"],
        swiftSettings: sharedSettings),
]

let package = Package(
    name: "bootgate",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "bootgate-agent", targets: ["bootgate-agent"]),
        .executable(name: "bootgate-verifier", targets: ["bootgate-verifier"]),
        .executable(name: "bootgate", targets: ["bootgate"]),
        // For Tools/Benchmarks and Tools/Fuzzing, which see public API only.
        .library(
            name: "BootgateCore",
            targets: [
                "ByteParsing", "JSONCoding", "TPMStructures", "TPMCryptography", "TCGEventLog", "IMAMeasurementList",
                "AssetFingerprints", "ReferenceValues", "Endorsements", "AttestationMessages", "Appraisal",
                "BootPrediction",
                "SecurityEvents",
            ]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-asn1", from: "1.7.4"),
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/LebJe/TOMLKit", from: "0.6.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.5.0"),
        .package(url: "https://github.com/vapor/jwt-kit", from: "5.7.1"),
    ],
    targets: core + platform + transport + attester + verifier + operatorCommand + tools + testSupport + testTargets,
    swiftLanguageModes: [.v6]
)

// swift-tools-version: 6.3
import PackageDescription

// Sees the core's public API only. Built by Tools/fuzz with `--sanitize fuzzer --sanitize address`; libFuzzer brings main.
// One program for all targets, not one each: nine links of the same libraries would cost more than they tell.
let package = Package(
    name: "bootgate-fuzzing",
    platforms: [.macOS(.v15)],
    dependencies: [.package(name: "bootgate", path: "../..")],
    targets: [
        .executableTarget(
            name: "bootgate-fuzz",
            dependencies: [.product(name: "BootgateCore", package: "bootgate")],
            swiftSettings: [.unsafeFlags(["-parse-as-library"])])
    ],
    swiftLanguageModes: [.v6]
)

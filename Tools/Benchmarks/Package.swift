// swift-tools-version: 6.3
import PackageDescription

// Sees the core's public API only, as any other package would.
let package = Package(
    name: "bootgate-benchmarks",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "bootgate", path: "../.."),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    ],
    targets: [
        .executableTarget(
            name: "bootgate-bench",
            dependencies: [
                .product(name: "BootgateCore", package: "bootgate"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "CryptoExtras", package: "swift-crypto"),
            ])
    ],
    swiftLanguageModes: [.v6]
)

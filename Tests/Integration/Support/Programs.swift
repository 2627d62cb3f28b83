import Foundation
import SoftwareTPM

/// The programs as they were built beside this test bundle.
enum Programs {
    static let directory: String = {
        let link =
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
        return URL(filePath: link).deletingLastPathComponent().path
    }()

    static var agent: String { "\(directory)/bootgate-agent" }
    static var verifier: String { "\(directory)/bootgate-verifier" }
    static var command: String { "\(directory)/bootgate" }

    /// The clone that the tests were built from.
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().path

    static func exampleBoot(_ name: String) -> String {
        "\(root)/ReferenceValues/examples/measured-boot/\(name)/eventlog.bin"
    }

    /// Whether a whole laboratory can run here.
    static var isComplete: Bool { SoftwareTPM.isAvailable && isInstalled("openssl") && isInstalled("tpm2_pcrextend") }
    static let requirement = "needs swtpm, swtpm-tools, tpm2-tools and openssl (Tools/test installs them)"
}

struct LaboratoryError: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}

/// Asks again until the answer is there; the deadline is generous because tests share a loaded machine.
@discardableResult
func eventually<Value>(
    _ what: String, seconds: Int = 90, _ ask: () async throws -> Value?
) async throws -> Value {
    let clock = ContinuousClock()
    let deadline = clock.now + .seconds(seconds)
    while true {
        if let value = try await ask() { return value }
        guard clock.now < deadline else { throw LaboratoryError("not within \(seconds) s: \(what)") }
        try await Task.sleep(for: .milliseconds(100))
    }
}

import Foundation
import SoftwareTPM

/// The built `bootgate`, beside the test bundle.
enum BootgateProcess {
    static let path: String = {
        let tests = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return URL(fileURLWithPath: tests).deletingLastPathComponent().appendingPathComponent("bootgate").path
    }()

    static func run(_ arguments: String..., input: [UInt8] = []) throws -> ProcessResult {
        try runProcess(path, arguments, input: input)
    }

    /// Nothing of the caller's own settings reaches the program.
    static func run(_ arguments: [String], home: String, settings: [String: String] = [:]) throws -> ProcessResult {
        var environment = ["HOME": home]
        for name in ["VERIFIER_URL", "VERIFIER_CA_FILE", "OPERATOR_CERTIFICATE", "OPERATOR_KEY"] {
            environment["BOOTGATE_\(name)"] = settings[name] ?? ""
        }
        return try runProcess(path, arguments, environment: environment)
    }

    static func json(_ result: ProcessResult) throws -> [String: Any] {
        try JSONSerialization.jsonObject(with: Data(result.stdout)) as? [String: Any] ?? [:]
    }
}

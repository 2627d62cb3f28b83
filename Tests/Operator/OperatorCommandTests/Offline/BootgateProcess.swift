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

    static func json(_ result: ProcessResult) throws -> [String: Any] {
        try JSONSerialization.jsonObject(with: Data(result.stdout)) as? [String: Any] ?? [:]
    }
}

import Foundation

/// Where tests find data: vectors committed in this package, and the corpus outside it.
public enum TestVectors {
    /// The folder that `BOOTGATE_CORPUS` names, else `../shared/corpus` beside the package; nil when it holds no
    /// `MANIFEST.json`. Tests that need it say `.enabled(if: TestVectors.corpus != nil, "…")`.
    public static let corpus: CorpusLocation? = {
        let root: URL
        if let path = ProcessInfo.processInfo.environment["BOOTGATE_CORPUS"] {
            root = URL(fileURLWithPath: path, isDirectory: true)
        } else {
            root = packageRoot.appendingPathComponent("../shared/corpus").standardizedFileURL
        }
        let manifest = root.appendingPathComponent("MANIFEST.json").path
        return FileManager.default.fileExists(atPath: manifest) ? CorpusLocation(root: root) : nil
    }()

    /// What a test that needs the corpus prints when it is skipped.
    public static let corpusIsAbsent = "the development corpus is absent; BOOTGATE_CORPUS names its folder"

    /// Committed: the reference boot.
    public static let golden = committed("golden")
    /// Committed: golden with another kernel command line (PCR 8 and 9 differ).
    public static let changedCommandLine = committed("a-cmdline")
    /// Committed: golden, then PCR 8 extended from the running system (its log does not replay there).
    public static let userExtendedPCR8 = committed("p-userextend-pcr8")

    /// The bytes of a committed file, by its path below `Resources`.
    public static func bytes(_ path: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: resources.appendingPathComponent(path)))
    }

    private static func committed(_ variant: String) -> MeasuredBootVector {
        MeasuredBootVector(name: variant, folder: resources.appendingPathComponent("measured-boot/\(variant)"))
    }

    /// Not `resourceURL`: Foundation on Linux takes a bundle's folder of that name for it.
    private static let resources = Bundle.module.bundleURL.appendingPathComponent("Resources")

    /// Up from `Tests/Support/TestVectors/TestVectors.swift`.
    private static let packageRoot = URL(fileURLWithPath: #filePath).appendingPathComponent("../../../..")
        .standardizedFileURL
}

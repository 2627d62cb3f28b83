public import Foundation

/// The development corpus outside the package: measured-boot data of other projects with its known-right answers.
public struct CorpusLocation: Sendable {
    public let root: URL

    /// The bytes of a file of the corpus, by the name that `MANIFEST.json` uses (`eventlogs/…`).
    public func bytes(_ path: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: root.appendingPathComponent(path)))
    }

    /// `MANIFEST.json`, unparsed: each test decodes the members it judges by.
    public func manifest() throws -> [UInt8] { try bytes("MANIFEST.json") }

    /// One variant of `measured-boot/`.
    public func measuredBoot(_ variant: String) -> MeasuredBootVector {
        MeasuredBootVector(name: variant, folder: root.appendingPathComponent("measured-boot/\(variant)"))
    }
}

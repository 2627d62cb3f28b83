import AttestingEnvironment
import Foundation
import SoftwareTPM
import Testing

@Suite("The measurement list's file")
struct MeasurementListFileTests {
    private let folder: TemporaryDirectory
    init() throws { folder = try TemporaryDirectory() }

    private func bytes(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) } }

    @Test("A growing list is read on from where it was left, from any offset again, and by ranges")
    func growing() async throws {
        let path = try folder.write(bytes(1000), to: "ima")
        let file = MeasurementListFile(path: path)
        #expect(try await file.stretch(from: 0, inlineLimit: 2000) == .init(offset: 0, end: 1000, bytes: bytes(1000)))
        #expect(try await file.stretch(from: 1000, inlineLimit: 2000) == .init(offset: 1000, end: 1000, bytes: []))
        let handle = try #require(FileHandle(forWritingAtPath: path))
        try handle.seekToEnd()
        try handle.write(contentsOf: bytes(1300)[1000...])
        let more = try await file.stretch(from: 1000, inlineLimit: 2000)
        #expect(more == .init(offset: 1000, end: 1300, bytes: Array(bytes(1300)[1000...])))
        let again = try await file.stretch(from: 900, inlineLimit: 2000)
        #expect(again == .init(offset: 900, end: 1300, bytes: Array(bytes(1300)[900...])))
        #expect(try await file.read(200..<1200) == Array(bytes(1300)[200..<1200]))
        #expect(try await file.read(0..<0) == [])
    }

    @Test("A stretch that is longer than wanted is counted, and its bytes are left to be read by ranges")
    func long() async throws {
        let file = MeasurementListFile(path: try folder.write(bytes(200_000), to: "ima"))
        #expect(try await file.stretch(from: 0, inlineLimit: 65_536) == .init(offset: 0, end: 200_000, bytes: []))
        let tail = try await file.stretch(from: 140_000, inlineLimit: 65_536)
        #expect(tail.bytes == Array(bytes(200_000)[140_000...]))
    }

    @Test("A list that does not reach to the offset is another boot's: it is given from its beginning")
    func shorter() async throws {
        let file = MeasurementListFile(path: try folder.write(bytes(100), to: "ima"))
        #expect(try await file.stretch(from: 500, inlineLimit: 1000) == .init(offset: 0, end: 100, bytes: bytes(100)))
        await #expect(throws: EnvironmentError.self) { try await file.read(50..<101) }
    }

    @Test("AG-03: links, devices, folders and missing files are refused with AGENT_LOG_SOURCE")
    func strangeFiles() async throws {
        let log = try folder.write([1], to: "log")
        #expect(symlink(log, folder.file("link")) == 0)
        for path in [folder.file("link"), folder.file("absent"), folder.path, "/dev/zero"] {
            let error = await #expect(throws: EnvironmentError.self, "\(path)") {
                try await MeasurementListFile(path: path).stretch(from: 0, inlineLimit: 10)
            }
            #expect(error?.code == .logSource)
        }
    }
}

import Foundation
import HostProcess
import Testing

@Suite("Resident memory")
struct ResidentMemoryTests {
    @Test("Pages of the start are given back, and the program runs on")
    func runsOn() throws {
        let before = try fileResident()
        let released = ResidentMemory.releaseStartUpPages()
        let after = try fileResident()
        #expect(released > 1 << 20)
        #expect(after < before, "\(before) KiB, then \(after)")
        // Code, constants, relocated tables and the heap are as they were.
        let words = try JSONDecoder().decode([String].self, from: Data(#"["a","b"]"#.utf8))
        #expect(words == ["a", "b"])
        #expect(ResidentMemory.releaseStartUpPages() == released)
    }

    /// Resident pages of files, in KiB (proc(5), RssFile).
    private func fileResident() throws -> Int {
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("RssFile:") })
        return try #require(line.split(whereSeparator: { !$0.isNumber }).first.flatMap { Int($0) })
    }
}

import ArgumentParser
import Glibc
import ReferenceValues

/// An instant on the command line: `2027-01-31T00:00:00Z`.
struct Instant: ExpressibleByArgument {
    /// Since 1970.
    let milliseconds: Int64

    init?(argument: String) {
        guard let milliseconds = RFC3339.milliseconds(argument) else { return nil }
        self.milliseconds = milliseconds
    }

    private init(milliseconds: Int64) { self.milliseconds = milliseconds }

    static var now: Instant {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Instant(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }
}

extension InputFile {
    /// A path, or `-` for standard input.
    static func readInput(_ path: String) throws -> [UInt8] {
        path == "-" ? try read(descriptor: STDIN_FILENO, name: "standard input") : try read(path: path)
    }
}

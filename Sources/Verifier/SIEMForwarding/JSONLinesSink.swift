internal import NIOPosix
package import SecurityEvents

/// Appends one JSON object a line to a file, and returns after fsync. The default destination of one verifier.
///
/// A file that was moved or removed is followed by a new one under the same path: move it whole, do not copy and truncate.
/// After a crash a torn last line is cut off, and events that are in the file already are not written again. Only when the
/// file is also moved between such a crash and the next start may its last delivery appear in both, under the same ids.
package struct JSONLinesSink: EventSink {
    private let file: JSONLinesFile

    package init(path: String) { file = JSONLinesFile(path: path) }

    package func deliver(_ events: [SecurityEvent]) async throws {
        let lines = events.map { (id: $0.uniqueID, line: JSONLineEncoder.encode($0)) }
        // Blocking calls: on threads that no verdict waits for.
        try await NIOThreadPool.singleton.runIfActive { try file.append(lines) }
    }
}

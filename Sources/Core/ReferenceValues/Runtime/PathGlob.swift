/// A pattern over file paths as the kernel measures them: raw bytes, the whole path, nothing normalised.
///
/// `*` stands for any run of bytes within one component, `?` for one byte that is no slash, a component `**` for any number
/// of components (at the end: for at least one). A component holds at most one `*` and a pattern at most one `**`: every
/// byte of a pattern then has one place that it can stand for, so a match never searches and costs at most as many
/// comparisons as the pattern has bytes, whatever the path (catalogue RV-11).
public struct PathGlob: Hashable, Sendable, CustomStringConvertible {
    /// Bytes of one pattern.
    public static let maximumBytes = 512

    public let pattern: String
    /// Before `**`; all of them where there is none.
    private let leading: [Component]
    /// After `**`; nil where there is none.
    private let trailing: [Component]?

    private struct Component: Hashable, Sendable {
        /// Before the `*`; the whole component where there is none. `?` stands for any byte.
        var head: [UInt8]
        var tail: [UInt8]?

        func matches(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
            guard let tail else { return range.count == head.count && Self.agree(head, bytes, range.lowerBound) }
            return range.count >= head.count + tail.count && Self.agree(head, bytes, range.lowerBound)
                && Self.agree(tail, bytes, range.upperBound - tail.count)
        }

        private static func agree(_ part: [UInt8], _ bytes: Span<UInt8>, _ start: Int) -> Bool {
            for index in part.indices where part[index] != bytes[start + index] && part[index] != UInt8(ascii: "?") {
                return false
            }
            return true
        }
    }

    /// - Throws: `POL_PATTERN` for a pattern that is no absolute path, is overlong, holds characters of regular expressions
    ///   or more wildcards than a match without searching allows; `POL_EMPTY` for one that stands for everything.
    public init(_ pattern: String) throws(ReferenceSetProblem) {
        let bytes = Array(pattern.utf8)
        func refused(_ detail: String) -> ReferenceSetProblem {
            ReferenceSetProblem(code: ReferenceSetProblem.pattern, path: "", detail: detail)
        }
        guard bytes.count <= Self.maximumBytes else {
            throw refused("has \(bytes.count) bytes, \(Self.maximumBytes) are allowed")
        }
        guard bytes.first == UInt8(ascii: "/") else {
            throw refused(
                "\"\(pattern)\" is not anchored: a pattern names a whole path, from its first slash to its end")
        }
        guard !bytes.contains(where: { "()[]{}^$|\\".utf8.contains($0) || $0 < 0x20 || $0 == 0x7F }) else {
            throw refused("\"\(pattern)\": characters of regular expressions have no meaning here; use *, ** and ?")
        }
        guard bytes.contains(where: { !"/*?.".utf8.contains($0) }) else {
            throw ReferenceSetProblem(
                code: ReferenceSetProblem.empty, path: "", detail: "\"\(pattern)\" stands for every path")
        }
        var leading: [Component] = []
        var trailing: [Component]?
        for part in bytes.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            guard !part.isEmpty, ![[0x2E], [0x2E, 0x2E]].contains(Array(part)) else {
                throw refused("\"\(pattern)\": a component that is empty, \".\" or \"..\" stands in no measured path")
            }
            if part.elementsEqual("**".utf8) {
                guard trailing == nil else { throw refused("\"\(pattern)\": ** may stand once") }
                trailing = []
                continue
            }
            let pieces = part.split(separator: UInt8(ascii: "*"), omittingEmptySubsequences: false)
            guard pieces.count <= 2 else {
                throw refused("\"\(pattern)\": one * in a component, and ** as a component of its own")
            }
            let component = Component(head: Array(pieces[0]), tail: pieces.count == 2 ? Array(pieces[1]) : nil)
            if trailing == nil { leading.append(component) } else { trailing?.append(component) }
        }
        guard leading.count > 1 || trailing != nil || leading.first?.tail != nil else {
            throw refused("\"\(pattern)\" names one entry of the root; write \(pattern)/** for what lies below it")
        }
        self.pattern = pattern
        self.leading = leading
        self.trailing = trailing
    }

    /// - Parameter components: of the same bytes.
    func matches(_ bytes: Span<UInt8>, _ components: PathComponents) -> Bool {
        let count = components.count
        guard let trailing else {
            guard count == leading.count else { return false }
            return leading.indices.allSatisfy { leading[$0].matches(bytes, components[$0]) }
        }
        guard count >= leading.count + max(1, trailing.count) else { return false }
        let start = count - trailing.count
        return leading.indices.allSatisfy { leading[$0].matches(bytes, components[$0]) }
            && trailing.indices.allSatisfy { trailing[$0].matches(bytes, components[start + $0]) }
    }

    /// False for every path that no kernel makes: see ``PathComponents``.
    public func matches(_ path: [UInt8]) -> Bool {
        PathComponents(path.span).map { matches(path.span, $0) } ?? false
    }

    public var description: String { pattern }
    // Two patterns are one only where their bytes agree: String compares by canonical equivalence.
    public static func == (left: Self, right: Self) -> Bool { left.pattern.utf8.elementsEqual(right.pattern.utf8) }
    public func hash(into hasher: inout Hasher) { hasher.combine(Array(pattern.utf8)) }
}

/// Where the components of an absolute path lie, found once for all patterns.
struct PathComponents {
    private var ends: [Int] = []

    /// - Returns: nil for a path that is not absolute, holds a NUL, or has a component that is empty, `.` or `..`: the
    ///   kernel's own paths are none of this, so no pattern is to stand for it (catalogue RV-12).
    init?(_ bytes: Span<UInt8>) {
        guard bytes.count > 1, bytes[0] == UInt8(ascii: "/") else { return nil }
        var start = 1
        for index in 1..<bytes.count where bytes[index] == 0 { return nil }
        for index in 1...bytes.count where index == bytes.count || bytes[index] == UInt8(ascii: "/") {
            let length = index - start
            let dots = length <= 2 && (start..<index).allSatisfy { bytes[$0] == UInt8(ascii: ".") }
            guard length > 0, !dots else { return nil }
            ends.append(index)
            start = index + 1
        }
    }

    var count: Int { ends.count }
    subscript(index: Int) -> Range<Int> { (index == 0 ? 1 : ends[index - 1] + 1)..<ends[index] }
}

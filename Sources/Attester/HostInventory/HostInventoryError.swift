/// Why a report could not be collected. There is no partial report: one with gaps would show as removed entries.
package enum HostInventoryError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A file or folder that must be there cannot be read.
    case unreadable(path: String, errno: Int32)
    /// A file is larger, or holds more, than is ever sensible.
    case tooLarge(path: String, limit: Int)

    package var description: String {
        switch self {
        case .unreadable(let path, let number): "\(path) cannot be read (errno \(number))"
        case .tooLarge(let path, let limit): "\(path) exceeds the limit of \(limit)"
        }
    }
}

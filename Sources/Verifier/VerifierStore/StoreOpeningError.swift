/// Why a store could not be opened. The verifier exits with 6 and the code.
package struct StoreOpeningError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Code: String, Hashable, Sendable, CaseIterable {
        /// No database file. A verifier never makes one by itself: an empty store would trust anew (SA-08).
        case missing = "STORE_MISSING"
        /// `init` was asked to make a store where one is.
        case exists = "STORE_EXISTS"
        /// Not a database, not one of ours, or its pages contradict each other.
        case corrupt = "STORE_CORRUPT"
        /// Made by a newer version (SA-13).
        case schema = "STORE_SCHEMA"
        case unavailable = "STORE_UNAVAILABLE"
    }
    package var code: Code
    package var detail: String

    package init(_ code: Code, _ detail: String) {
        self.code = code
        self.detail = detail
    }

    package var description: String { "\(code.rawValue): \(detail)" }
}

internal import GRDB
internal import VerifierService

/// Turns what SQLite throws into refusals with stable codes; refusals of the units pass through.
enum StoreFailure {
    static func serviceError(_ error: any Error) -> ServiceError {
        if let error = error as? ServiceError { return error }
        guard let error = error as? DatabaseError else {
            return ServiceError(.unavailable, "STORE_UNAVAILABLE", "\(error)", retryAfterSeconds: 5)
        }
        let detail = "\(error.extendedResultCode): \(error.message ?? "")"
        switch error.resultCode {
        case .SQLITE_CONSTRAINT: return ServiceError(.conflict, "STORE_CONSTRAINT", detail)
        case .SQLITE_CORRUPT, .SQLITE_NOTADB: return ServiceError(.unavailable, "STORE_CORRUPT", detail)
        default: return ServiceError(.unavailable, "STORE_UNAVAILABLE", detail, retryAfterSeconds: 5)
        }
    }
}

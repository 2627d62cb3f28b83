package import VerifierService

/// The one place where refusals become HTTP statuses.
package enum StatusTable {
    package static func status(of kind: ServiceError.Kind) -> Int {
        switch kind {
        case .syntax: 400
        case .unidentified: 401
        case .forbidden: 403
        case .unknown: 404
        case .conflict: 409
        case .gone: 410
        case .tooLarge: 413
        case .unsupportedMedia: 415
        case .invalid: 422
        case .tooMany: 429
        case .unavailable: 503
        }
    }

    /// Statuses that promise a better moment.
    package static func wantsRetryAfter(_ status: Int) -> Bool { status == 429 || status == 503 }
}

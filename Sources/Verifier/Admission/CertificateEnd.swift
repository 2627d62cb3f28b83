package import SecurityEvents

/// When the end of a certificate that the whole fleet depends on is announced (TA-21).
package enum CertificateEnd {
    package static let code = "API_CERTIFICATE_ENDS"

    /// Days before the end, with the loudness of each announcement.
    package static let thresholds: [(days: Int, severity: SecurityEventSeverity)] = [
        (30, .medium), (7, .high), (1, .critical),
    ]

    /// The announcement that is due now; nil when there is none or it was made before.
    /// - Parameter announced: the lowest threshold in days that was announced for this certificate.
    package static func due(
        notAfterMilliseconds: Int64, nowMilliseconds: Int64, announced: Int?
    ) -> (days: Int, severity: SecurityEventSeverity)? {
        let day: Int64 = 24 * 60 * 60 * 1000
        let (left, overflow) = notAfterMilliseconds.subtractingReportingOverflow(nowMilliseconds)
        guard !overflow else { return nil }
        // The lowest threshold reached: after a long stop, one announcement and not three.
        guard let reached = thresholds.last(where: { left <= Int64($0.days) * day }) else { return nil }
        guard reached.days < announced ?? .max else { return nil }
        return reached
    }
}

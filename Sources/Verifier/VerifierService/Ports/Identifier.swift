internal import ByteParsing

/// Ids of challenges, verdicts, alarms and enrollments: 11 hex digits of milliseconds, then 20 random ones. They sort by
/// time, so that indexes grow at their end; 80 random bits make them unguessable.
package enum Identifier {
    package static func make(at milliseconds: Int64, _ random: any RandomSource) -> String {
        let time = String(UInt64(clamping: milliseconds), radix: 16)
        return String(repeating: "0", count: max(0, 11 - time.count)) + time + Hex.encode(random.bytes(10))
    }
}

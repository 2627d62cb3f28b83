import SoftwareTPM

/// `replay.py`, the event-log reader that shares no code with the product.
enum SecondReader {
    enum Answer: Equatable {
        case refused(rule: String, offset: Int)
        case accepted(Reading)
    }

    /// What the register indices of the logs name; `auto` leaves it to the reader.
    enum Kind: String { case tpm, cc, auto }

    struct Reading: Equatable {
        /// `tpm` or `cc`.
        var kind: String
        var format: String
        var events: Int
        var padding: Int
        var startupLocality: Int
        /// Rules of the profile that the log breaks without being illegible.
        var remarks: Set<String>
        /// What extended registers hold: hexadecimal by `bank:index`.
        var registers: [String: String]
    }

    static let isAvailable = isInstalled("python3")
    static let requirement = "needs python3 (Tools/test installs it)"

    /// All logs in one run of the script; as many answers as logs.
    static func read(_ logs: [[UInt8]], as kind: Kind) throws -> [Answer] {
        var input: [UInt8] = []
        for log in logs {
            let size = UInt32(log.count)
            for shift in [0, 8, 16, 24] as [UInt32] { input.append(UInt8(truncatingIfNeeded: size >> shift)) }
            input += log
        }
        let script = "\(Programs.root)/Tests/Integration/Differential/replay.py"
        let output = try runProcessSuccessfully(
            "python3", ["-B", script, kind.rawValue], input: input, timeoutSeconds: 300)
        return try output.text.split(separator: "\n").map(answer)
    }

    private static func answer(_ line: Substring) throws -> Answer {
        let words = line.split(separator: " ")
        if words.count == 3, words[0] == "refuse", let offset = Int(words[2]) {
            return .refused(rule: String(words[1]), offset: offset)
        }
        guard words.count == 8, words[0] == "accept", let events = Int(words[3]), let padding = Int(words[4]),
            let locality = Int(words[5])
        else { throw LaboratoryError("replay.py said: \(line)") }
        var registers: [String: String] = [:]
        for register in words[7].split(separator: ",") where register != "-" {
            let parts = register.split(separator: "=")
            guard parts.count == 2 else { throw LaboratoryError("replay.py said: \(line)") }
            registers[String(parts[0])] = String(parts[1])
        }
        return .accepted(
            Reading(
                kind: String(words[1]), format: String(words[2]), events: events, padding: padding,
                startupLocality: locality,
                remarks: Set(words[6].split(separator: ",").map(String.init)).subtracting(["-"]), registers: registers))
    }
}

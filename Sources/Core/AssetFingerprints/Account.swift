/// Who may log in or act as another: a user, a group or a line of the sudo policy.
public enum Account: FingerprintEntry {
    public static let kind = FingerprintKind.accounts

    case user(name: String, uid: UInt32, gid: UInt32, home: String, shell: String)
    /// Members by name, sorted; without those whose primary group it is.
    case group(name: String, gid: UInt32, members: [String])
    /// One effective line of a sudoers file: continuation lines joined, comments gone, blanks made one.
    case sudoRule(file: String, rule: String)

    public var key: String {
        switch self {
        case .user(let name, _, _, _, _): "user/\(name)"
        case .group(let name, _, _): "group/\(name)"
        case .sudoRule(let file, let rule): "sudo/\(file)/\(rule)"
        }
    }

    public var fields: [FingerprintField] {
        switch self {
        case .user(let name, let uid, let gid, let home, let shell):
            [
                FingerprintField("type", "user"), FingerprintField("name", name), FingerprintField("uid", uid),
                FingerprintField("gid", gid), FingerprintField("home", home), FingerprintField("shell", shell),
            ]
        case .group(let name, let gid, let members):
            [
                FingerprintField("type", "group"), FingerprintField("name", name), FingerprintField("gid", gid),
                FingerprintField("members", members),
            ]
        case .sudoRule(let file, let rule):
            [FingerprintField("type", "sudo"), FingerprintField("file", file), FingerprintField("rule", rule)]
        }
    }

    private enum CodingKeys: String, CodingKey {
        case type, name, uid, gid, home, shell, members, file, rule
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        func text(_ key: CodingKeys) throws -> String { try container.decode(String.self, forKey: key) }
        func number(_ key: CodingKeys) throws -> UInt32 { try container.decode(UInt32.self, forKey: key) }
        switch try text(.type) {
        case "user":
            self = .user(
                name: try text(.name), uid: try number(.uid), gid: try number(.gid), home: try text(.home),
                shell: try text(.shell))
        case "group":
            self = .group(
                name: try text(.name), gid: try number(.gid),
                members: try container.decode([String].self, forKey: .members))
        case "sudo": self = .sudoRule(file: try text(.file), rule: try text(.rule))
        case let other:
            throw DecodingError.dataCorruptedError(
                forKey: .type, in: container, debugDescription: "unknown account type \"\(other)\"")
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        for field in fields {
            guard let key = CodingKeys(stringValue: field.name) else { continue }
            switch field.value {
            case .text(let text): try container.encode(text, forKey: key)
            case .number(let number): try container.encode(number, forKey: key)
            case .list(let texts): try container.encode(texts, forKey: key)
            }
        }
    }
}

/// The text of an IMA policy (Linux, Documentation/ABI/testing/ima_policy), read to see what it leaves unmeasured: what no
/// policy measures no reference can judge (catalogue IM-13, residual risk R5).
public struct IMAPolicy: Hashable, Sendable {
    public struct Rule: Hashable, Sendable {
        /// Line of the text, from 1.
        public let line: Int
        public let text: String
        /// `measure`, `dont_measure`, `appraise`, ….
        public let action: String
        /// What follows the action, split at its operator: `func`, `BPRM_CHECK`.
        public let conditions: [String: String]
    }

    public struct Malformed: Error, Hashable, Sendable, CustomStringConvertible {
        public let line: Int
        public let reason: String
        public var description: String { "line \(line): \(reason)" }
    }

    /// What a policy lacks, or exempts. The id of all of them is ``weakID``.
    public struct Weakness: Hashable, Sendable, Codable {
        /// Nil for a rule that is missing.
        public var line: Int?
        /// The rule that is missing, or the one that exempts too much.
        public var rule: String
        public var detail: String
    }

    public static let weakID = "IMA_POLICY_WEAK"
    /// Bytes of a policy and rules in it: far beyond what kernels are given.
    public static let maximumBytes = 1 << 20
    public static let maximumRules = 4096

    public let rules: [Rule]

    private static let actions: Set<String> = [
        "measure", "dont_measure", "appraise", "dont_appraise", "audit", "dont_audit", "hash", "dont_hash",
    ]

    public init(_ text: String) throws(Malformed) {
        guard text.utf8.count <= Self.maximumBytes else {
            throw Malformed(line: 1, reason: "more than \(Self.maximumBytes) bytes")
        }
        var rules: [Rule] = []
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" || $0 == "\r" }).map(String.init)
            guard let action = words.first, !action.hasPrefix("#") else { continue }
            guard Self.actions.contains(action) else {
                throw Malformed(line: index + 1, reason: "\"\(action)\" is no action of an IMA policy")
            }
            guard rules.count < Self.maximumRules else {
                throw Malformed(line: index + 1, reason: "more than \(Self.maximumRules) rules")
            }
            var conditions: [String: String] = [:]
            for word in words.dropFirst() {
                guard let place = word.firstIndex(where: { "=<>".contains($0) }) else {
                    // `permit_directio` and the like stand alone.
                    conditions[word] = ""
                    continue
                }
                let key = String(word[..<place])
                guard conditions[key] == nil else {
                    throw Malformed(line: index + 1, reason: "\"\(key)\" stands twice")
                }
                let value = word[word.index(after: place)...]
                // `uid<100` names other users than `uid=100`.
                conditions[key] = word[place] == "=" ? String(value) : "\(word[place])\(value)"
            }
            rules.append(
                Rule(line: index + 1, text: words.joined(separator: " "), action: action, conditions: conditions))
        }
        self.rules = rules
    }

    // MARK: Lint

    /// One thing that a policy has to measure, whatever the file system, label or owner.
    private struct Need {
        let rule: String
        let functions: Set<String>
        /// Any of these; empty where the function takes no mask.
        let masks: Set<String>
        /// What the rule may be limited to: root's own reading.
        let users: Set<String>
        let why: String

        func isMet(by rule: Rule) -> Bool {
            guard rule.action == "measure", let function = rule.conditions["func"], functions.contains(function) else {
                return false
            }
            return rule.conditions.allSatisfy { key, value in
                switch key {
                case "func", "template", "pcr", "permit_directio", "digest_type": true
                case "mask": masks.contains(value)
                case "uid", "euid", "fowner": users.contains("\(key)=\(value)")
                default: false
                }
            }
        }
    }

    private static let needs: [Need] = [
        Need(
            rule: "measure func=BPRM_CHECK mask=MAY_EXEC", functions: ["BPRM_CHECK"], masks: ["MAY_EXEC", "^MAY_EXEC"],
            users: [], why: "programs start unmeasured"),
        Need(
            rule: "measure func=MMAP_CHECK mask=MAY_EXEC", functions: ["MMAP_CHECK", "FILE_MMAP"],
            masks: ["MAY_EXEC", "^MAY_EXEC"], users: [], why: "libraries are loaded unmeasured"),
        Need(
            rule: "measure func=FILE_CHECK mask=^MAY_READ uid=0", functions: ["FILE_CHECK", "PATH_CHECK"],
            masks: ["MAY_READ", "^MAY_READ"], users: ["uid=0", "euid=0"],
            why: "scripts and configuration that root reads are not measured"),
        Need(
            rule: "measure func=MODULE_CHECK", functions: ["MODULE_CHECK"], masks: [], users: [],
            why: "kernel modules are loaded unmeasured"),
        Need(
            rule: "measure func=FIRMWARE_CHECK", functions: ["FIRMWARE_CHECK"], masks: [], users: [],
            why: "device firmware is loaded unmeasured"),
        Need(
            rule: "measure func=POLICY_CHECK", functions: ["POLICY_CHECK"], masks: [], users: [],
            why: "a later policy replaces this one unmeasured"),
        Need(
            rule: "measure func=KEXEC_KERNEL_CHECK", functions: ["KEXEC_KERNEL_CHECK"], masks: [], users: [],
            why: "another kernel is started unmeasured"),
        Need(
            rule: "measure func=KEXEC_CMDLINE", functions: ["KEXEC_CMDLINE"], masks: [], users: [],
            why: "another kernel's command line is not measured"),
    ]

    /// File systems of the kernel's own making, in which no program can lie (Linux, include/uapi/linux/magic.h): proc,
    /// sysfs, debugfs, securityfs, selinuxfs, smackfs, cgroup, cgroup2, nsfs, binfmt_misc, devpts, efivarfs, tracefs.
    private static let harmlessMagic: Set<UInt64> = [
        0x9FA0, 0x6265_6572, 0x6462_6720, 0x7363_6673, 0xF97C_FF8C, 0x4341_5D53, 0x27_E0EB, 0x6367_7270, 0x6E73_6673,
        0x4249_4E4D, 0x1CD1, 0xDE5E_81E4, 0x7472_6163,
    ]
    private static let magicNames: [UInt64: String] = [
        0x0102_1994: "tmpfs", 0x8584_58F6: "ramfs", 0x794C_7630: "overlayfs",
    ]

    /// What this policy leaves unmeasured; empty for one that leaves nothing of what is known here.
    public var weaknesses: [Weakness] {
        var found: [Weakness] = []
        for need in Self.needs where !rules.contains(where: need.isMet) {
            found.append(Weakness(line: nil, rule: need.rule, detail: "missing or narrowed: \(need.why)"))
        }
        for rule in rules where rule.action == "dont_measure" {
            if let detail = Self.exemption(rule) {
                found.append(Weakness(line: rule.line, rule: rule.text, detail: detail))
            }
        }
        return found
    }

    private static func exemption(_ rule: Rule) -> String? {
        if let text = rule.conditions["fsmagic"] {
            let digits = text.hasPrefix("0x") || text.hasPrefix("0X") ? text.dropFirst(2) : text[...]
            guard let magic = UInt64(digits, radix: 16) else { return "exempts an unknown file system" }
            if harmlessMagic.contains(magic) { return nil }
            return
                "whatever lies on \(magicNames[magic] ?? "file system 0x\(String(magic, radix: 16))") runs unmeasured"
        }
        let narrowing = rule.conditions.filter { !["func", "mask"].contains($0.key) }.sorted { $0.key < $1.key }
        guard !narrowing.isEmpty else { return "exempts everything that follows" }
        let what = narrowing.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
        return "files with \(what) run and are read unmeasured"
    }
}

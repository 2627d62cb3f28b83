internal import ByteParsing
internal import TPMStructures

extension ReferenceSet {
    /// Everything that makes this set unfit to judge by. Empty for a sound set.
    public func lint() -> [ReferenceSetProblem] {
        var lint = ReferenceSetLint(set: self)
        lint.run()
        return lint.problems
    }
}

struct ReferenceSetLint {
    let set: ReferenceSet
    private(set) var problems: [ReferenceSetProblem] = []
    private var banks: [PCRBank] = []

    static let maximumEvents = 65_536
    static let maximumNameBytes = 128
    /// PCR 16 and 23 reset from the running system, 17–22 by a dynamic launch (PTP 1.05, PCR attributes; QF-27). 10 and 15
    /// are not resettable but no rule here can judge them: they grow while the system runs.
    static let resettable: ClosedRange<Int> = 16...23

    init(set: ReferenceSet) { self.set = set }

    /// A set with a parent need not be whole by itself: the two together are looked at again.
    var isChild: Bool { self.set.extends != nil }

    mutating func report(_ code: String, _ path: String, _ detail: String) {
        problems.append(ReferenceSetProblem(code: code, path: path, detail: detail))
    }

    mutating func run() {
        head()
        parent()
        layers()
        registers()
        if !isChild { coverage() }
        denied()
        waivers()
        runtime()
    }

    private mutating func head() {
        if set.format != ReferenceSet.currentFormat {
            report(ReferenceSetProblem.schema, "format", "must be \(ReferenceSet.currentFormat)")
        }
        for (path, text) in [("name", set.name), ("group", set.group)]
        where text.isEmpty || text.utf8.count > Self.maximumNameBytes {
            report(ReferenceSetProblem.schema, path, "must have 1 to \(Self.maximumNameBytes) bytes")
        }
        banks = set.banks.compactMap(PCRBank.init(rawValue:))
        if banks.count != set.banks.count || Set(banks).count != banks.count {
            report(ReferenceSetProblem.schema, "banks", "names an unknown bank, or one twice")
        }
        if banks.isEmpty { report(ReferenceSetProblem.empty, "banks", "no bank, so nothing would be compared") }
        for (path, text) in [
            ("validity.notBefore", set.validity?.notBefore), ("validity.notAfter", set.validity?.notAfter),
        ] {
            if let text, RFC3339.milliseconds(text) == nil {
                report(ReferenceSetProblem.schema, path, "must be an instant in UTC such as 2027-01-31T00:00:00Z")
            }
        }
    }

    private mutating func layers() {
        var seen: Set<LayerID> = []
        for (index, rule) in set.layers.enumerated() {
            guard let layer = LayerID(rawValue: rule.id) else {
                report(ReferenceSetProblem.schema, "layers[\(index)].id", "unknown layer")
                continue
            }
            if !seen.insert(layer).inserted {
                report(ReferenceSetProblem.schema, "layers[\(index)].id", "\(layer.rawValue) is listed twice")
            }
        }
        if set.layers.isEmpty || !isChild && !set.layers.contains(where: \.required) {
            report(ReferenceSetProblem.empty, "layers", "no layer is required, so everything would pass")
        }
    }

    // MARK: Registers

    private mutating func registers() {
        var seen: Set<Int> = []
        for (index, rule) in set.pcrs.enumerated() {
            let path = "pcrs[\(index)]"
            guard (0..<PCRIndex.count).contains(rule.pcr) else {
                report(ReferenceSetProblem.schema, "\(path).pcr", "must be 0 to 23")
                continue
            }
            if !seen.insert(rule.pcr).inserted {
                report(ReferenceSetProblem.schema, "\(path).pcr", "PCR \(rule.pcr) has a second rule")
            }
            if rule.rule != .ignore, Self.resettable.contains(rule.pcr) {
                report(
                    ReferenceSetProblem.resettablePCR, "\(path).pcr",
                    "PCR \(rule.pcr) can be reset without a reboot and proves nothing")
            }
            register(rule, path)
        }
        let judging = set.pcrs.filter { $0.rule != .ignore }
        if !isChild, judging.isEmpty,
            set.layers.contains(where: { LayerID(rawValue: $0.id).map(LayerID.boot.contains) ?? false })
        {
            report(ReferenceSetProblem.empty, "pcrs", "every register is ignored, so everything would pass")
        }
    }

    private mutating func register(_ rule: ReferenceSet.PCRRule, _ path: String) {
        let stray: [(String, Bool)] = [
            ("values", rule.values != nil && rule.rule != .values),
            ("events", rule.events != nil && rule.rule != .events),
            ("order", rule.order != nil && rule.rule != .events),
            ("reason", rule.reason != nil && rule.rule != .ignore),
        ]
        for (key, isStray) in stray where isStray {
            report(ReferenceSetProblem.schema, "\(path).\(key)", "does not go with the rule \(rule.rule.rawValue)")
        }
        switch rule.rule {
        case .ignore:
            if rule.reason?.isEmpty ?? true {
                report(ReferenceSetProblem.schema, "\(path).reason", "ignoring a register needs a reason")
            }
        case .values:
            guard let values = rule.values, !values.isEmpty else {
                return report(ReferenceSetProblem.empty, "\(path).values", "no value")
            }
            for (index, value) in values.enumerated() { alternative(value, "\(path).values[\(index)]") }
        case .events:
            guard let events = rule.events else {
                return report(ReferenceSetProblem.schema, "\(path).events", "the rule events needs them, if only []")
            }
            if events.count > Self.maximumEvents {
                return report(ReferenceSetProblem.schema, "\(path).events", "more than \(Self.maximumEvents)")
            }
            for (index, event) in events.enumerated() { self.event(event, rule.pcr, "\(path).events[\(index)]") }
        }
    }

    private mutating func event(_ event: ReferenceSet.EventRule, _ pcr: Int, _ path: String) {
        if let layer = event.layer, LayerID(rawValue: layer).map(LayerID.boot.contains) != true {
            report(ReferenceSetProblem.schema, "\(path).layer", "unknown layer, or none of the boot's")
        }
        let digests = event.digests ?? []
        let lines = event.commandLines ?? []
        if let reason = event.anyContent {
            anyContent(reason, pcr, hasAlternatives: event.digests != nil || event.commandLines != nil, path)
        } else if digests.isEmpty, lines.isEmpty {
            report(ReferenceSetProblem.empty, path, "no digest, so nothing could match")
        }
        for (index, digest) in digests.enumerated() { alternative(digest, "\(path).digests[\(index)]") }
        for (index, tokens) in lines.enumerated() where tokens.isEmpty {
            report(ReferenceSetProblem.empty, "\(path).commandLines[\(index)]", "no token")
        }
    }

    private mutating func anyContent(_ reason: String, _ pcr: Int, hasAlternatives: Bool, _ path: String) {
        if reason.isEmpty {
            report(ReferenceSetProblem.schema, "\(path).anyContent", "allowing any content needs a reason")
        }
        if hasAlternatives {
            report(ReferenceSetProblem.schema, "\(path).anyContent", "does not go with digests or command lines")
        }
        if !ReferenceSet.EventRule.anyContentPCRs.contains(pcr) {
            report(
                ReferenceSetProblem.empty, "\(path).anyContent",
                "PCR \(pcr) holds code, keys or commands: there only what was approved may stand")
        }
    }

    private mutating func alternative(_ digests: [String: String], _ path: String) {
        let named = Set(digests.keys.compactMap(PCRBank.init(rawValue:)))
        if named != Set(banks) || named.count != digests.count {
            report(ReferenceSetProblem.schema, path, "must name exactly the banks of the set")
        }
        for (name, hex) in digests.sorted(by: { $0.key < $1.key }) {
            guard let bank = PCRBank(rawValue: name) else { continue }
            if Hex.decode(hex)?.count != bank.digestSize {
                report(ReferenceSetProblem.schema, "\(path).\(name)", "must be \(bank.digestSize * 2) hex digits")
            }
        }
    }

    /// RV-13: a register that a covered layer rests on and that no rule names would silently go unchecked.
    private mutating func coverage() {
        let named = Set(set.pcrs.map(\.pcr))
        for rule in set.layers {
            guard let layer = LayerID(rawValue: rule.id) else { continue }
            if layer == .runtime {
                if set.runtime == nil {
                    report(
                        ReferenceSetProblem.pcrUnset, "runtime",
                        "runtime rests on PCR \(LayerID.measurementListPCR), which the section runtime judges: it is missing"
                    )
                }
                continue
            }
            for pcr in layer.pcrs.indices where !named.contains(Int(pcr.rawValue)) {
                report(
                    ReferenceSetProblem.pcrUnset, "pcrs",
                    "\(layer.rawValue) rests on PCR \(pcr), which has no rule; ignore it explicitly if that is meant")
            }
        }
    }

    // MARK: Lists

    private mutating func denied() {
        for (index, component) in (set.denied ?? []).enumerated() {
            if component.digests.isEmpty || component.digests.contains(where: { Digest($0) == nil }) {
                report(
                    ReferenceSetProblem.schema, "denied[\(index)].digests", "must hold digests such as sha256:<hex>")
            }
        }
    }

    private mutating func waivers() {
        for (index, waiver) in (set.waivers ?? []).enumerated() {
            let path = "waivers[\(index)]"
            if !ReferenceSet.Waiver.waivable.contains(waiver.finding) {
                report(ReferenceSetProblem.waiver, "\(path).finding", "\(waiver.finding) cannot be waived")
            }
            if waiver.pcr == 7 { report(ReferenceSetProblem.waiver, "\(path).pcr", "nothing in PCR 7 can be waived") }
            if !(0..<PCRIndex.count).contains(waiver.pcr) {
                report(ReferenceSetProblem.schema, "\(path).pcr", "must be 0 to 23")
            }
            if !(1...1024).contains(waiver.count) {
                report(ReferenceSetProblem.schema, "\(path).count", "must be 1 to 1024")
            }
            if waiver.digests.contains(where: { Digest($0) == nil }) {
                report(ReferenceSetProblem.schema, "\(path).digests", "must hold digests such as sha256:<hex>")
            }
        }
    }
}

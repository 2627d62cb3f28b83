/// What approving `after` in the place of `before` would change, by name.
public struct ReferenceDiff: Hashable, Sendable, Codable {
    public struct Change: Hashable, Sendable, Codable {
        public enum Kind: String, Hashable, Sendable, Codable { case added, removed, changed }
        public var kind: Kind
        /// `PCR 9`, `layer kernel`, `banks`, `waiver LOG_SEPARATOR PCR 4`, ….
        public var place: String
        public var pcr: Int?
        /// The event's, component's or layer's name.
        public var name: String
        public var before: String?
        public var after: String?
    }

    public var changes: [Change]
    public var isEmpty: Bool { changes.isEmpty }

    public init(from before: ReferenceSet, to after: ReferenceSet) {
        changes = []
        field("name", before.name, after.name)
        field("group", before.group, after.group)
        field("extends", Self.text(before.extends), Self.text(after.extends))
        field("banks", before.banks.joined(separator: ","), after.banks.joined(separator: ","))
        field("validity", Self.text(before.validity), Self.text(after.validity))
        keyed("layer", before.layers, after.layers, key: \.id) {
            "\($0.required ? "required" : "not required"), unknown components \($0.onUnknown.rawValue)"
        }
        let (beforeRules, afterRules) = (Self.rules(before), Self.rules(after))
        for pcr in Set(beforeRules.keys).union(afterRules.keys).sorted() {
            register(pcr, beforeRules[pcr], afterRules[pcr])
        }
        keyed("deny-list", before.denied ?? [], after.denied ?? [], key: \.name) {
            "\($0.digests.joined(separator: " ")) (\($0.reason))"
        }
        runtime(before.runtime, after.runtime)
        keyed(
            "waiver", before.waivers ?? [], after.waivers ?? [],
            key: { "\($0.finding) PCR \($0.pcr)\($0.digests.isEmpty ? " (missing)" : "")" }
        ) { "\($0.count) times: \($0.digests.joined(separator: " ")) (\($0.reason))" }
    }

    // MARK: Parts

    private mutating func field(_ name: String, _ before: String, _ after: String) {
        guard before != after else { return }
        changes.append(Change(kind: .changed, place: name, name: name, before: before, after: after))
    }

    private static func text(_ parent: ReferenceSet.Parent?) -> String {
        parent.map { "\($0) \($0.documentSHA256)" } ?? "nothing"
    }

    private static func text(_ validity: ReferenceSet.Validity?) -> String {
        "\(validity?.notBefore ?? "always") to \(validity?.notAfter ?? "always")"
    }

    private mutating func keyed<Element: Equatable>(
        _ place: String, _ before: [Element], _ after: [Element], key: (Element) -> String,
        text: (Element) -> String
    ) {
        let old = Dictionary(before.map { (key($0), $0) }) { first, _ in first }
        let new = Dictionary(after.map { (key($0), $0) }) { first, _ in first }
        for name in Set(old.keys).union(new.keys).sorted() where old[name] != new[name] {
            changes.append(
                Change(
                    kind: old[name] == nil ? .added : new[name] == nil ? .removed : .changed, place: place,
                    name: name, before: old[name].map(text), after: new[name].map(text)))
        }
    }

    private static func rules(_ set: ReferenceSet) -> [Int: ReferenceSet.PCRRule] {
        Dictionary(set.pcrs.map { ($0.pcr, $0) }) { first, _ in first }
    }

    private mutating func register(
        _ pcr: Int, _ before: ReferenceSet.PCRRule?, _ after: ReferenceSet.PCRRule?
    ) {
        guard before != after else { return }
        if let before, let after, before.rule == .events, after.rule == .events {
            if before.order != after.order {
                change(
                    pcr, .changed, "order", before.order?.rawValue ?? "strict", after.order?.rawValue ?? "strict")
            }
            events(pcr, before.events ?? [], after.events ?? [])
        } else {
            change(
                pcr, before == nil ? .added : after == nil ? .removed : .changed, "rule", before.map(Self.text),
                after.map(Self.text))
        }
    }

    private mutating func change(
        _ pcr: Int, _ kind: Change.Kind, _ name: String, _ before: String?, _ after: String?
    ) {
        changes.append(
            Change(kind: kind, place: "PCR \(pcr)", pcr: pcr, name: name, before: before, after: after))
    }

    private static func text(_ rule: ReferenceSet.PCRRule) -> String {
        switch rule.rule {
        case .values: "values " + (rule.values ?? []).map(digests).joined(separator: " or ")
        case .events: "\(rule.events?.count ?? 0) events"
        case .ignore: "ignored: \(rule.reason ?? "")"
        }
    }

    private static func digests(_ alternative: [String: String]) -> String {
        alternative.sorted { $0.key < $1.key }.map { "\($0.key):\($0.value)" }.joined(separator: "+")
    }

    private static func text(_ event: ReferenceSet.EventRule) -> String {
        let lines = (event.commandLines ?? []).map { "\"\($0.joined(separator: " "))\"" }
        let alternatives =
            (event.digests ?? []).map(digests) + lines + (event.anyContent.map { ["any content (\($0))"] } ?? [])
        return alternatives.joined(separator: " or ") + (event.optional == true ? " (optional)" : "")
    }

    // MARK: Events

    private mutating func events(
        _ pcr: Int, _ before: [ReferenceSet.EventRule], _ after: [ReferenceSet.EventRule]
    ) {
        for step in after.difference(from: before).inferringChanges() {
            switch step {
            case .added(let event): change(pcr, .added, event.name, nil, Self.text(event))
            case .removed(let event): change(pcr, .removed, event.name, Self.text(event), nil)
            case .changed(let old, let new):
                let name = old.name == new.name ? new.name : "\(old.name) → \(new.name)"
                change(pcr, .changed, name, Self.text(old), Self.text(new))
            }
        }
    }
}

private enum EventStep {
    case added(ReferenceSet.EventRule)
    case removed(ReferenceSet.EventRule)
    case changed(ReferenceSet.EventRule, ReferenceSet.EventRule)
}

extension CollectionDifference<ReferenceSet.EventRule> {
    /// A removal and an insertion of the same name, or at the same place with the same type, are one change.
    fileprivate func inferringChanges() -> [EventStep] {
        var inserted = insertions.compactMap { change -> (Int, ReferenceSet.EventRule)? in
            if case .insert(let offset, let element, _) = change { (offset, element) } else { nil }
        }
        var steps: [EventStep] = []
        for case .remove(let offset, let old, _) in removals {
            let partner =
                inserted.firstIndex { $0.1.name == old.name }
                ?? inserted.firstIndex { $0.0 == offset && $0.1.type == old.type }
            if let partner {
                steps.append(.changed(old, inserted.remove(at: partner).1))
            } else {
                steps.append(.removed(old))
            }
        }
        return steps + inserted.map { .added($0.1) }
    }
}

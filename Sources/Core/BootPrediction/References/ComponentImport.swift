public import ReferenceValues
internal import TPMCryptography
internal import TPMStructures

/// Makes drafts of component lists. What no list says is ignored by register, with that as the reason: such a draft is a
/// beginning, and shows it.
public enum ComponentImport {
    /// A set of the components alone: any of the alternatives of each role, in any order.
    ///
    /// - Returns: nil when no component has a register of its own.
    public static func draft(
        name: String, group: String, _ components: [BootComponent], provenance: [String]
    ) -> ReferenceSet? {
        let withDigests = components.filter { !$0.digests.isEmpty }
        let banks = PCRBank.allCases.filter { bank in
            bank != .sha1 && withDigests.allSatisfy { $0.digests[bank] != nil }
        }
        guard !banks.isEmpty, !withDigests.isEmpty else { return nil }
        var rules: [Int: [ReferenceSet.EventRule]] = [:]
        for (role, pcr, type, layer) in places {
            let own = withDigests.filter { $0.role == role }
            guard !own.isEmpty else { continue }
            let alternatives = unique(own.map { texts($0.digests, banks) })
            // Of firmware each list names several blobs; of the rest one of the alternatives boots.
            if role == .firmware {
                rules[pcr, default: []] += own.map {
                    ReferenceSet.EventRule(
                        name: $0.name, type: type, layer: layer, digests: [texts($0.digests, banks)], optional: true)
                }
                continue
            }
            rules[pcr, default: []].append(
                ReferenceSet.EventRule(name: role.rawValue, type: type, layer: layer, digests: alternatives))
            // Shim measures a kernel twice when GRUB asks it twice.
            if role == .kernelImage {
                rules[pcr, default: []].append(
                    ReferenceSet.EventRule(
                        name: "\(role.rawValue), again", type: type, layer: layer, digests: alternatives, optional: true
                    ))
            }
        }
        guard !rules.isEmpty else { return nil }
        let layers = LayerID.boot.filter { layer in layer.pcrs.indices.contains { rules[Int($0.rawValue)] != nil } }
        let registers = Set(layers.flatMap { $0.pcrs.indices.map { Int($0.rawValue) } }).sorted()
        return ReferenceSet(
            name: name, group: group, provenance: provenance, banks: banks.map(\.name),
            layers: [ReferenceSet.LayerRule(id: .tpmIdentity)] + layers.map { ReferenceSet.LayerRule(id: $0) },
            pcrs: registers.map { pcr in
                guard let own = rules[pcr] else {
                    return ReferenceSet.PCRRule(
                        ignoring: "the imported lists say nothing about this register", pcr: pcr)
                }
                return ReferenceSet.PCRRule(events: constants(pcr, banks) + own, order: .any, pcr: pcr)
            })
    }

    /// Role, register, type and layer.
    private static let places: [(BootComponent.Role, Int, String, LayerID)] = [
        (.firmware, 0, "EV_EFI_PLATFORM_FIRMWARE_BLOB", .firmware),
        (.shim, 4, "EV_EFI_BOOT_SERVICES_APPLICATION", .bootLoader),
        (.grub, 4, "EV_EFI_BOOT_SERVICES_APPLICATION", .bootLoader),
        (.kernelImage, 4, "EV_EFI_BOOT_SERVICES_APPLICATION", .kernel),
        (.mokList, 14, "EV_IPL", .secureBoot), (.mokListX, 14, "EV_IPL", .secureBoot),
    ]

    /// What firmware measures into the register besides components (PFP 1.06, sections 3.3.4.1, 3.3.4.5).
    private static func constants(_ pcr: Int, _ banks: [PCRBank]) -> [ReferenceSet.EventRule] {
        func rule(_ name: String, _ type: String, _ data: [UInt8], optional: Bool = false) -> ReferenceSet.EventRule {
            let digests = Dictionary(banks.map { ($0, MessageDigest.hash(data, $0)) }) { first, _ in first }
            return ReferenceSet.EventRule(name: name, type: type, digests: [texts(digests, banks)], optional: optional)
        }
        guard pcr < 8 else { return [] }
        let separator = rule("separator", "EV_SEPARATOR", [0, 0, 0, 0])
        guard pcr == 4 else { return [separator] }
        return [
            rule(
                "action Calling EFI Application from Boot Option", "EV_EFI_ACTION",
                Array("Calling EFI Application from Boot Option".utf8), optional: true), separator,
        ]
    }

    /// Adds the components to a set as further alternatives of the rules that they belong to.
    ///
    /// - Returns: The new draft, and the components for which no rule stands.
    public static func add(
        _ components: [BootComponent], to set: ReferenceSet, provenance: [String]
    ) -> (set: ReferenceSet, left: [String]) {
        var result = set
        var left: [String] = []
        for component in components {
            var isPlaced = false
            let banks = set.banks.compactMap(PCRBank.init(rawValue:))
            guard component.digests.isEmpty || banks.allSatisfy({ component.digests[$0] != nil }) else {
                left.append("\(component.name): its list has no digest for every bank of the set")
                continue
            }
            for pcr in result.pcrs.indices {
                for rule in (result.pcrs[pcr].events ?? []).indices {
                    guard var event = result.pcrs[pcr].events?[rule], fits(component, event, result.pcrs[pcr].pcr)
                    else {
                        continue
                    }
                    isPlaced = true
                    if component.role == .commandLine {
                        event.commandLines = unique((event.commandLines ?? []) + [component.commandLine])
                    } else {
                        event.digests = unique((event.digests ?? []) + [texts(component.digests, banks)])
                    }
                    result.pcrs[pcr].events?[rule] = event
                }
            }
            if !isPlaced { left.append("\(component.name): the set has no rule for a \(component.role.rawValue)") }
        }
        result.provenance += provenance
        return (result, left)
    }

    /// By the names that a capture gives.
    private static func fits(_ component: BootComponent, _ rule: ReferenceSet.EventRule, _ pcr: Int) -> Bool {
        let name = rule.name.lowercased()
        let file = name.split { $0 == "\\" || $0 == "/" }.last.map(String.init) ?? name
        let isNamedImage = pcr == 4 && rule.type == "EV_EFI_BOOT_SERVICES_APPLICATION" && name.contains(".efi")
        return switch component.role {
        case .shim: isNamedImage && (file.hasPrefix("shim") || file.hasPrefix("boot"))
        case .grub: isNamedImage && file.hasPrefix("grub")
        case .image:
            isNamedImage
                && file == (component.name.split(separator: "/").last.map { $0.lowercased() } ?? component.name)
        case .kernelImage:
            pcr == 4 && rule.type == "EV_EFI_BOOT_SERVICES_APPLICATION" && !name.contains(".efi")
                && rule.layer == LayerID.kernel.rawValue
        case .kernelFile: pcr == 9 && name.hasPrefix("kernel-image ")
        case .initrd: pcr == 9 && name.hasPrefix("initrd ")
        case .commandLine: pcr == 8 && rule.commandLines != nil
        case .mokList: pcr == 14 && name.hasSuffix("moklist")
        case .mokListX: pcr == 14 && name.hasSuffix("moklistx")
        case .firmware, .file: false
        }
    }

    private static func texts(_ digests: [PCRBank: Digest], _ banks: [PCRBank]) -> [String: String] {
        Dictionary(banks.compactMap { bank in digests[bank].map { (bank.name, $0.hex) } }) { first, _ in first }
    }

    private static func unique<Element: Hashable>(_ elements: [Element]) -> [Element] {
        var seen: Set<Element> = []
        return elements.filter { seen.insert($0).inserted }
    }
}

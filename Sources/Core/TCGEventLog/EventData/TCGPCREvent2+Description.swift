internal import ByteParsing

extension TCGPCREvent2: CustomStringConvertible {
    /// One line for people, control characters escaped: type, thing and what is known of it. Rests on data that nothing
    /// covers unless ``dataVerified`` is true.
    public var description: String {
        let detail: String
        do throws(EventDataError) { detail = describe(try decoded()) } catch { detail = "unreadable data: \(error)" }
        return detail.isEmpty ? untrustedEventType.description : "\(untrustedEventType): \(detail)"
    }

    private func describe(_ decoded: DecodedEventData) -> String {
        switch decoded {
        case .separator(let value): return "value \(hex(UInt64(value)))"
        case .variable(let variable): return describe(variable)
        case .imageLoad(let image):
            let path = LogText.escape(image.devicePath.text)
            let size = "\(image.imageLengthInMemory) bytes"
            return path.isEmpty ? "\(size), no device path" : "\(path), \(size)"
        case .partitionTable(let table):
            let partitions = table.partitions.map { "\"\($0.name)\" (\($0.type.name), \($0.identifier))" }
            return LogText.escape("disk \(table.disk), partitions " + partitions.joined(separator: ", "))
        case .bootLoader(let event): return event.component.description
        case .opaque:
            let data = dataSlice
            return (1...8).contains(data.count) ? "data \(Hex.encode(data))" : "\(data.count) bytes of data"
        default: return component.name
        }
    }

    private func describe(_ variable: UEFIVariableData) -> String {
        let title = LogText.escape("\(variable.name) (\(variable.vendor.name))")
        let value = log[variable.valueRange]
        if let known = SecureBootVariable(variable.name), known.isSignatureDatabase,
            untrustedEventType != .efiVariableAuthority,
            let lists = try? EFISignatureList.parse(value.span, baseOffset: variable.valueRange.lowerBound)
        {
            let names = lists.filter { $0.signatureType == .x509 }.flatMap(\.entries)
                .compactMap { CertificateSubject.name(ofDER: $0.data[...]) }.map { "\"\($0)\"" }
            let count = "\(title): \(lists.reduce(0) { $0 + $1.entries.count }) entries"
            return names.isEmpty ? count : count + ", certificates " + names.joined(separator: ", ")
        }
        if variable.isBootOption, let option = try? loadOption(of: variable) {
            return LogText.escape("\(title): \"\(option.optionDescription)\" → \(option.devicePath.text)")
        }
        if variable.isOrder, value.count % 2 == 0 {
            let prefix = variable.name.dropLast("Order".count)
            let order = LogText.codeUnits(value).map { unit in
                let digits = String(unit, radix: 16, uppercase: true)
                return prefix + String(repeating: "0", count: 4 - digits.count) + digits
            }
            return "\(title): " + order.joined(separator: ", ")
        }
        if variable.name.hasPrefix("SbatLevel"), let level = SBATLevel(value) { return "\(title): \(level.summary)" }
        if untrustedEventType == .efiVariableAuthority, let name = certificateName(in: variable) {
            return "\(title): certificate \"\(name)\""
        }
        if value.count <= 8 { return "\(title) = \(value.isEmpty ? "(empty)" : Hex.encode(value))" }
        if let text = LogText.display(value) { return "\(title) = \(text)" }
        return "\(title): \(value.count) bytes"
    }
}

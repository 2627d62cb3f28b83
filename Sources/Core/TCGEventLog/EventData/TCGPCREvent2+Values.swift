/// Values of variables, for those who compare boots. They rest on the log's words: see ``TCGPCREvent2/dataVerified``.
extension TCGPCREvent2 {
    /// The value of the variable that the event is about; nil for other events.
    public var variableValue: [UInt8]? {
        guard case .variable(let variable)? = try? decoded() else { return nil }
        return Array(log[variable.valueRange])
    }

    /// The entries of PK, KEK, db, dbx, dbt or dbr; nil for other events and for values that are no such list.
    public var signatureDatabase: SignatureDatabase? {
        guard untrustedEventType != .efiVariableAuthority, case .variable(let variable)? = try? decoded(),
            SecureBootVariable(variable.name)?.isSignatureDatabase == true,
            let lists = try? EFISignatureList.parse(
                log[variable.valueRange].span, baseOffset: variable.valueRange.lowerBound)
        else { return nil }
        return SignatureDatabase(lists: lists)
    }

    /// The level in shim's `SbatLevel`; nil for other events.
    public var sbatLevel: SBATLevel? {
        guard case .variable(let variable)? = try? decoded(), variable.name.hasPrefix("SbatLevel") else { return nil }
        return SBATLevel(log[variable.valueRange])
    }
}

/// For text that comes out of a log.
public enum EventText {
    /// Control characters, line separators, direction marks and what is not assigned as `\u{…}`; cut beyond 4096 characters.
    public static func escaped(_ text: String) -> String { LogText.escape(text) }
}

/// What honest firmware, boot loaders and systems are known to do differently from the profile. The one table of them;
/// `Sources/Bootgate.docc/Quirks.md` shows it, and a test keeps the two equal.
///
/// A name says which deviation was seen, so that people can search for it and a reference set's reviewer knows what a
/// waiver is about. It decides nothing: where a quirk breaks a rule of the attack catalogue, the rule's finding stands until
/// an approved set waives it by id, PCR, count and digests.
public enum LogQuirk: String, CaseIterable, Hashable, Sendable, Codable {
    // Deviations that break a rule and therefore are findings of their own.
    case missingSeparator = "separator-missing"
    case repeatedSeparator = "separator-repeated"
    case separatorValue = "separator-value"
    case earlySeparator = "separator-early"
    case lateEvent = "event-after-separator"
    case missingDigest = "digest-missing"
    case unusedBank = "bank-unused"
    case digestOfOtherData = "digest-of-other-data"
    case emptySecureBoot = "secure-boot-empty"
    case noActionDigest = "no-action-digest"
    case noActionRegister = "no-action-register"
    case noActionLate = "no-action-late"
    case noActionSignature = "no-action-signature"
    case missingExitBoot = "exit-boot-services-missing"
    // Deviations without weight: noted, so that a reader knows why a log looks odd.
    case digestWithoutLastByte = "digest-without-last-byte"
    case misplacedType = "type-in-other-register"
    case digestOrder = "digest-order"
    case unknownType = "unknown-event-type"
    case emptyEvent = "zero-size-event"
    case unreadableData = "unreadable-data"
    case authorityPadding = "authority-trailing-bytes"
    case shimVariable = "shim-variable-as-authority"
    case contentDigest = "event-tag-content-digest"
    case windowsSeparator = "separator-wbcl"
    case tablePadding = "table-padding"
    case testPlatformKey = "test-platform-key"

    public struct Entry: Hashable, Sendable {
        /// The catalogue's reason under which it is a finding; nil for a note.
        public let reason: LogReason?
        /// One sentence for an operator.
        public let meaning: String
        /// Where it was seen.
        public let seenOn: String
        /// Whether a reference set may let it stand (outside PCR 7).
        public let isWaivable: Bool
    }

    public var entry: Entry {
        switch self {
        case .missingSeparator:
            breach(.separator, "No separator ends the pre-boot phase of a register.", "test logs; logs of one register")
        case .repeatedSeparator: breach(.separator, "A register has more than one separator.", "early TDX firmware")
        case .separatorValue:
            breach(
                .separator, "A separator says that an error happened, or holds a value nobody defines.",
                "faulty firmware")
        case .earlySeparator:
            breach(
                .separator, "A separator stands before events of the pre-boot phase.", "firmware of laptops and servers"
            )
        case .lateEvent:
            breach(
                .afterBoot, "Firmware measures boot variables or tables behind the separator of their register.",
                "Supermicro, Dell, HP, Lenovo (PCR 1); legacy BIOS (PCR 4, 5)")
        case .missingDigest:
            breach(
                .digestList, "An event lacks the digest of a bank that the log's header names.",
                "Windows (only the bank in use, PCR 12–14)")
        case .unusedBank:
            breach(
                .bankUnused, "The TPM has allocated a bank that firmware does not extend.",
                "machines whose firmware measures one bank only")
        case .digestOfOtherData:
            breach(
                .dataDigest, "The digest is not the hash of the event's data, though the profile says so.",
                "Dell servers (EV_S_CRTM_VERSION)")
        case .emptySecureBoot:
            breach(
                .variable, "SecureBoot is measured without a value: the firmware has no Secure Boot.",
                "OVMF without Secure Boot; some PCs", waivable: false)
        case .noActionDigest:
            breach(
                .noAction, "An EV_NO_ACTION event has a digest although nothing is extended.", "Windows' trust point")
        case .noActionRegister:
            breach(
                .noAction, "An EV_NO_ACTION event names another register than 0.", "Windows' trust point (0xFFFFFFFF)")
        case .noActionLate:
            breach(.noAction, "An EV_NO_ACTION event stands behind measurements of PCR 0.", "Windows' trust point")
        case .noActionSignature:
            breach(
                .noAction, "An EV_NO_ACTION event has a signature that the profile does not name.", "vendors' firmware")
        case .missingExitBoot:
            breach(
                .noExitBoot, "PCR 5 has no record of a successful ExitBootServices.", "firmware before 2013; SHA-1 logs"
            )
        case .digestWithoutLastByte:
            note("The digest covers all of the data but its last byte, which is padding.", "shim before 15.3")
        case .misplacedType:
            note(
                "An event before the separator has a type that the profile keeps for other registers.",
                "option ROMs and vendors' firmware")
        case .digestOrder:
            note("An event lists its digests in another order than the header.", "openEuler virtual machines")
        case .unknownType: note("An event has a type that no specification names.", "Lenovo, Intel reference firmware")
        case .emptyEvent: note("A measured event has no data.", "Intel reference firmware")
        case .unreadableData:
            note("Data that no digest covers does not have the form of its event's type.", "vendors' firmware")
        case .authorityPadding:
            note("Bytes follow the variable in an EV_EFI_VARIABLE_AUTHORITY event.", "shim before 15.3")
        case .shimVariable:
            note("Shim measures a variable of its own as if it were an authority of Secure Boot.", "every shim")
        case .contentDigest:
            note(
                "An EV_EVENT_TAG event's digest covers what the tag names, not the record.",
                "Linux' EFI stub (load options, initrd); systemd")
        case .windowsSeparator: note("A separator of PCR 12–14 holds \"WBCL\".", "Windows")
        case .tablePadding:
            note("Unused bytes of a firmware table follow the last event.", "CC event logs copied from ACPI's CCEL")
        case .testPlatformKey:
            note(
                "The platform key is a maker's test key that calls itself untrusted: its private half leaked (PKfail).",
                "machines shipped with AMI's sample keys (CVE-2024-8105)")
        }
    }

    private func breach(
        _ reason: LogReason, _ meaning: String, _ seenOn: String, waivable: Bool = true
    ) -> Entry {
        Entry(reason: reason, meaning: meaning, seenOn: seenOn, isWaivable: waivable)
    }

    private func note(_ meaning: String, _ seenOn: String) -> Entry {
        Entry(reason: nil, meaning: meaning, seenOn: seenOn, isWaivable: false)
    }
}

internal import TPMCryptography
internal import TPMStructures

/// Whether an event's digests cover its data.
public enum DataVerification: Hashable, Sendable {
    /// Which bytes the digests of every bank are the hash of.
    public enum Form: String, Hashable, Sendable {
        /// The whole data, as the profile says for most types.
        case whole
        /// UEFI_VARIABLE_DATA without its head: the older rule for boot variables.
        case variableValue
        /// Shim before 15.3 logs a byte too many and hashes all but that.
        case withoutLastByte
        /// GRUB: the text behind `grub_cmd: ` or `kernel_cmdline: `, without or with its NUL.
        case textBehindPrefix
        /// systemd: UTF-16 text with a NUL that the log leaves out, or a section's name in ASCII.
        case text
    }

    case verified(Form)
    /// The profile defines the digest over the data, and it is not.
    case contradicted
    /// Only the digest counts: the data is a label that nothing covers.
    case unverified
}

extension TCGPCREvent2 {
    /// true: the digests of all banks are the hash of the data, or of the part of it that ``dataVerification`` names (for
    /// ``DataVerification/Form/variableValue`` not the variable's name). false: they should be and are not (`LOG_DATA_DIGEST`).
    /// nil: only the digest counts, the data is the words of whoever sent the log (catalogue row EL-02).
    public var dataVerified: Bool? {
        switch dataVerification {
        case .verified: true
        case .contradicted: false
        case .unverified: nil
        }
    }

    /// As ``dataVerified``, with the form of the data that the digests cover.
    public var dataVerification: DataVerification {
        guard isExtended else { return .unverified }
        for (form, bytes) in coverageCandidates where isCovered(bytes) { return .verified(form) }
        return digestMustCoverData ? .contradicted : .unverified
    }

    private func isCovered(_ bytes: ArraySlice<UInt8>) -> Bool {
        var known = 0
        var agrees = true
        forEachDigest { bank, range in
            guard agrees, let bank else { return }
            known += 1
            agrees = MessageDigest.hash(bytes.span, bank).bytes[...] == log[range]
        }
        return agrees && known > 0
    }

    /// PFP 1.06, section 10.4.1, column "digest": the types whose digest is defined over the event's own data.
    private var digestMustCoverData: Bool {
        switch untrustedEventType {
        case .separator, .action, .efiAction, .scrtmVersion, .efiVariableDriverConfig, .efiVariableBoot,
            .efiVariableBoot2, .efiVariableAuthority, .efiGPTEvent, .efiGPTEvent2, .efiSPDMDevicePolicy,
            .efiSPDMDeviceAuthority, .omitBootDeviceEvents:
            true
        case .ipl: prefixLength != nil
        default: false
        }
    }

    private var prefixLength: Int? { BootLoaderEvent.prefixLength(dataSlice) }

    private var coverageCandidates: [(DataVerification.Form, ArraySlice<UInt8>)] {
        let data = dataSlice
        var candidates: [(DataVerification.Form, ArraySlice<UInt8>)] = [(.whole, data)]
        switch untrustedEventType {
        case .efiVariableBoot, .efiVariableBoot2:
            if case .variable(let variable)? = try? decoded() {
                candidates.append((.variableValue, log[variable.valueRange]))
            }
        case .efiVariableAuthority:
            candidates.append((.withoutLastByte, data.dropLast()))
        case .ipl:
            if let prefixLength {
                let text = data.dropFirst(prefixLength)
                candidates.append((.textBehindPrefix, text.last == 0 ? text.dropLast() : text))
                candidates.append((.textBehindPrefix, text.last == 0 ? text : text + [0]))
            } else if LogText.looksLikeUTF16(data) {
                candidates.append((.text, data + [0, 0]))
                candidates.append((.text, ArraySlice(LogText.utf16(data).utf8) + [0]))
            }
        default: break
        }
        return candidates
    }
}

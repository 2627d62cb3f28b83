/// The variables that make up the Secure Boot policy in PCR 7 (PFP 1.06, section 3.3.4.8; UEFI 2.10, section 3.3).
public enum SecureBootVariable: String, CaseIterable, Hashable, Sendable {
    case secureBoot = "SecureBoot"
    case pk = "PK"
    case kek = "KEK"
    case db, dbx, dbt, dbr

    init?(_ name: String) { self.init(rawValue: name) }

    /// The vendor GUID under which the specification defines the variable; under another it is another variable.
    public var vendor: EFIGUID {
        switch self {
        case .secureBoot, .pk, .kek: .globalVariable
        case .db, .dbx, .dbt, .dbr: .imageSecurityDatabase
        }
    }

    /// Whether the value is a list of EFI_SIGNATURE_LIST.
    public var isSignatureDatabase: Bool { self != .secureBoot }
}

internal import CTSS2
internal import Glibc

/// Owns a TSS2_TCTI_CONTEXT: the way to the TPM (`device:/dev/tpmrm0`, `swtpm:path=/run/s`).
@safe struct TCTIContext: ~Copyable {
    private let pointer: OpaquePointer

    private init(owned pointer: OpaquePointer) { unsafe self.pointer = pointer }

    /// - Parameter configuration: a TCTI name and its configuration, as the loader of tpm2-tss takes it. Never empty:
    ///   the loader would then try what it finds, and the agent must use only the TPM that its operator named (AG-02).
    static func open(_ configuration: String) throws(TPMError) -> TCTIContext {
        guard !configuration.isEmpty else {
            throw TPMError("TCTI", .unavailable("configuration: name one, as device:/dev/tpmrm0"))
        }
        _ = Self.quietLibrary
        var context: OpaquePointer?
        let code = unsafe Tss2_TctiLdr_Initialize(configuration, &context)
        guard code == TSS2_RC_SUCCESS, let context = unsafe context else {
            throw TPMError("TCTI \(configuration)", .returnCode(TSS2ReturnCode(rawValue: code)))
        }
        return unsafe TCTIContext(owned: context)
    }

    /// tpm2-tss writes each TPM error to stderr unless told otherwise; they are in our errors. An operator's own setting
    /// stays. Once, before the library looks.
    private static let quietLibrary: Void = { _ = unsafe setenv("TSS2_LOG", "all+none", 0) }()

    /// Valid for the duration of the call.
    borrowing func withPointer<Result>(_ body: (OpaquePointer) -> Result) -> Result { unsafe body(pointer) }

    deinit {
        var context: OpaquePointer? = unsafe pointer
        unsafe Tss2_TctiLdr_Finalize(&context)
    }
}

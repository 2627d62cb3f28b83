package import TPMStructures

/// Why a TPM operation failed, and in which command.
package struct TPMError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Reason: Hashable, Sendable {
        /// The TPM, or a layer of tpm2-tss, answered with a code.
        case returnCode(TSS2ReturnCode)
        /// The TPM's answer does not have the form that the specification demands; the text says where.
        case malformedResponse(String)
        /// A persistent handle holds another key than the one that belongs there. Nothing was overwritten.
        case handleOccupied(UInt32, String)
        /// The TPM has nothing of the kind that was asked for.
        case unavailable(String)
        /// An argument is longer than the TPM's structure for it.
        case argumentTooLong(String, count: Int, limit: Int)
    }

    /// `TPM2_Quote`, or the name of the operation where several commands belong together.
    package let command: String
    package let reason: Reason
    /// Set when, on the way out of this failure, an object or session could not be flushed either.
    package internal(set) var failedFlush: TSS2ReturnCode?

    init(_ command: String, _ reason: Reason) {
        self.command = command
        self.reason = reason
    }

    package var returnCode: TSS2ReturnCode? {
        if case .returnCode(let code) = reason { code } else { nil }
    }
    /// The TPM's own answer; nil when another layer failed.
    package var response: TPMResponseCode? { returnCode?.response }

    package var description: String {
        let text =
            switch reason {
            case .returnCode(let code): code.description
            case .malformedResponse(let detail): "malformed response: \(detail)"
            case .handleOccupied(let handle, let detail):
                "persistent handle 0x\(String(handle, radix: 16)) holds another key: \(detail)"
            case .unavailable(let what): "the TPM has no \(what)"
            case .argumentTooLong(let what, let count, let limit): "\(what) has \(count) bytes, \(limit) are allowed"
            }
        return "\(command): \(text)" + (failedFlush.map { " (and flushing failed: \($0))" } ?? "")
    }
}

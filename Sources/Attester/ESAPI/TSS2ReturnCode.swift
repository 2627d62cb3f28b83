package import TPMStructures

/// A return code of tpm2-tss: the layer that made it, and the layer's own code (TSS 2.0 Overview and Common Structures,
/// section 3.2: layer in bits 16–23).
package struct TSS2ReturnCode: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    package let rawValue: UInt32
    package init(rawValue: UInt32) { self.rawValue = rawValue }

    package enum Layer: Hashable, Sendable {
        case tpm, feature, esapi, sapi, marshalling, tcti, resourceManager
        case other(UInt8)
    }

    package var layer: Layer {
        switch UInt8(truncatingIfNeeded: rawValue >> 16) {
        // 11 and 12 are the resource manager's; 12 passes a TPM's code on.
        case 0, 12: .tpm
        case 6: .feature
        case 7: .esapi
        case 8: .sapi
        case 9: .marshalling
        case 10: .tcti
        case 11: .resourceManager
        case let other: .other(other)
        }
    }

    /// The code without its layer.
    package var base: UInt16 { UInt16(truncatingIfNeeded: rawValue) }

    /// What the TPM itself answered; nil when another layer failed.
    package var response: TPMResponseCode? { layer == .tpm ? TPMResponseCode(rawValue: UInt32(base)) : nil }

    /// Whether the connection may be in an unknown state, so that it must be opened again: after any failure that is not
    /// the TPM's own answer. ESYS refuses further calls after some of them (bad sequence), and opening costs a millisecond.
    var spoilsConnection: Bool { layer != .tpm }

    package var description: String {
        if let response { return response.description }
        let name =
            switch layer {
            case .tpm: "TPM"
            case .feature: "FAPI"
            case .esapi: "ESAPI"
            case .sapi: "SAPI"
            case .marshalling: "MU"
            case .tcti: "TCTI"
            case .resourceManager: "resource manager"
            case .other(let number): "layer \(number)"
            }
        let meaning = Self.baseNames[base] ?? "code \(base)"
        return "\(name): \(meaning) (0x\(String(rawValue, radix: 16)))"
    }

    private static let baseNames: [UInt16: String] = [
        1: "general failure", 2: "not implemented", 3: "bad context", 4: "ABI mismatch", 5: "bad reference",
        6: "insufficient buffer", 7: "bad sequence", 8: "no connection", 9: "try again", 10: "I/O error",
        11: "bad value", 12: "not permitted", 13: "invalid sessions", 14: "no decrypt parameter",
        15: "no encrypt parameter", 16: "bad size", 17: "malformed response", 18: "insufficient context",
        19: "insufficient response", 20: "incompatible TCTI", 21: "not supported", 22: "bad TCTI structure",
        23: "memory", 24: "bad TR", 25: "multiple decrypt sessions", 26: "multiple encrypt sessions",
        27: "response HMAC wrong",
    ]
}

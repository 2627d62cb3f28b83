package import TPMStructures

/// What an attestation command gives: a TPMS_ATTEST and a TPMT_SIGNATURE over it, byte for byte as the TPM made them.
package struct SignedAttestation: Hashable, Sendable {
    /// TPMS_ATTEST (Part 2, section 10.12.12), without the TPM2B's size.
    package let attest: [UInt8]
    /// TPMT_SIGNATURE (Part 2, section 11.3.4).
    package let signature: [UInt8]
}

/// A key at a persistent handle of the TPM. What it says was read from the TPM and is proved to nobody by that.
package struct ResidentKey: Hashable, Sendable {
    package let handle: UInt32
    /// TPMT_PUBLIC as the TPM marshals it.
    package let publicArea: [UInt8]
    /// The parsed public area.
    package let parsed: TPMTPublic
    /// Name algorithm and digest (Part 1, "Names").
    package let name: [UInt8]
    package let qualifiedName: [UInt8]
}

/// The boot key of this TPM Reset cycle with its certification by the AK.
package struct CertifiedBootKey: Hashable, Sendable {
    /// TPMT_PUBLIC.
    package let publicArea: [UInt8]
    package let certification: SignedAttestation
}

/// Fixed properties of the TPM (Part 2, section 6.13, TPM_PT); self-reported.
package struct TPMProperties: Hashable, Sendable {
    /// Four characters of the TCG vendor registry, `IBM`, `INTC`; unprintable ones shown as `.`.
    package let manufacturer: String
    package let vendorString: String
    /// TPM_PT_FIRMWARE_VERSION_1 in the upper half, _2 in the lower.
    package let firmwareVersion: UInt64
    /// TPM_PT_REVISION: the revision of the library specification times 100.
    package let specificationRevision: UInt32
    /// Whether TPM_PT_PERMANENT says that dictionary-attack lockout is in effect.
    package let inLockout: Bool
}

/// TPM2_ReadClock's answer; unsigned.
package struct TPMTimeInfo: Hashable, Sendable {
    /// Milliseconds since the last _TPM_Init or TPM2_Clear.
    package let time: UInt64
    package let clock: TPMSClockInfo
}

/// Certificates of an EK as its TPM stores them; nothing about them is verified.
package struct EndorsementCertificates: Hashable, Sendable {
    /// DER of the EK's own certificate.
    package let certificate: [UInt8]
    /// DER of issuers' certificates, in the order of their NV indices.
    package let chain: [[UInt8]]
}

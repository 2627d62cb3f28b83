public import TPMCryptography

/// What one appraisal judges. Every field is stated: nothing that is missing counts as good.
public struct AppraisalInput: Sendable {
    /// Layer 1: everything that was found about the EK, the AK, the quote and the continuity of the boot.
    public var identityFindings: [Finding]
    /// The quote's registers; nil where the quote did not verify or its values did not add up. Layers 2 to 6 then have no
    /// evidence.
    public var pcrs: AttestedPCRs?
    /// The boot event log's exact bytes; nil where none was sent.
    public var eventLog: [UInt8]?
    /// The kernel's measurement list (IMA), its exact bytes from the first entry on, binary; nil where none was sent. Layer 7
    /// is judged by it, and is covered only by a set with a section `runtime`.
    public var measurementList: [UInt8]?
    /// Layer 10: differences to the approved baselines, from AssetFingerprints; nil where no report was collected or no
    /// baseline is approved.
    public var fingerprintFindings: [Finding]?
    public var reference: AttestationResult.ReferenceIdentity?
    public var referenceStatus: AttestationResult.ReferenceStatus?
    public var labMode: Bool
    public var identity: AttestationResult.Identity
    public var binding: AttestationResult.Binding
    /// Milliseconds since 1970 by the appraiser's clock.
    public var atMilliseconds: Int64

    public init(
        identityFindings: [Finding], pcrs: AttestedPCRs?, eventLog: [UInt8]?, fingerprintFindings: [Finding]?,
        reference: AttestationResult.ReferenceIdentity?, referenceStatus: AttestationResult.ReferenceStatus?,
        labMode: Bool, identity: AttestationResult.Identity, binding: AttestationResult.Binding, atMilliseconds: Int64,
        measurementList: [UInt8]? = nil
    ) {
        self.identityFindings = identityFindings
        self.pcrs = pcrs
        self.eventLog = eventLog
        self.measurementList = measurementList
        self.fingerprintFindings = fingerprintFindings
        self.reference = reference
        self.referenceStatus = referenceStatus
        self.labMode = labMode
        self.identity = identity
        self.binding = binding
        self.atMilliseconds = atMilliseconds
    }
}

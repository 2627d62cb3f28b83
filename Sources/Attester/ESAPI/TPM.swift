package import TPMStructures

/// The machine's TPM 2.0. Every method is one self-contained operation that leaves nothing loaded in the TPM; they run
/// one after the other on a thread of their own.
///
/// The context is opened by the first operation and kept. An error of the transport closes it, and the next operation
/// opens it again, so that a TPM which vanished heals without a restart. All keys and hierarchies are used with the empty
/// authorisation. Busy answers (RETRY, YIELDED, TESTING) are retried with pauses; a TPM that does not answer at all
/// blocks this actor, not its callers' threads, until it does.
package actor TPM {
    private let tcti: String
    private let retry: RetryPolicy
    private let executor = TPMExecutor()
    private var connection: TPMConnection?
    private var spent = Duration.zero

    package nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }

    /// - Parameter tcti: TCTI and its configuration (`device:/dev/tpmrm0`, `swtpm:path=/run/swtpm/s`). The environment is
    ///   never asked.
    package init(tcti: String, retry: RetryPolicy = .standard) {
        self.tcti = tcti
        self.retry = retry
    }

    /// A TPM whose connection has been opened and whose leftovers of a killed predecessor are flushed.
    package static func open(tcti: String, retry: RetryPolicy = .standard) async throws(TPMError) -> TPM {
        let tpm = TPM(tcti: tcti, retry: retry)
        try await tpm.connect()
        return tpm
    }

    private func connect() throws(TPMError) {
        try perform { (connection) throws(TPMError) in try connection.flushLeftovers() }
    }

    /// Closes the connection; the next operation opens it again.
    package func close() { connection = nil }

    /// TPM2_Startup(CLEAR), for a TPM that no firmware has started; one that is started stays as it is.
    package func startup() throws(TPMError) {
        try perform { (connection) throws(TPMError) in try connection.context.startup() }
    }

    /// How long operations took since this was asked last, waiting for the TPM and its driver included: TPMs differ by a
    /// factor of a hundred.
    package func takeTimeSpent() -> Duration {
        defer { spent = .zero }
        return spent
    }

    private func perform<Value>(_ body: (TPMConnection) throws(TPMError) -> Value) throws(TPMError) -> Value {
        let connection: TPMConnection
        if let open = self.connection {
            connection = open
        } else {
            connection = try TPMConnection(tcti: tcti, retry: retry)
            self.connection = connection
        }
        let start = ContinuousClock.now
        defer { spent += ContinuousClock.now - start }
        do { return try body(connection) } catch {
            if error.returnCode?.spoilsConnection == true || error.failedFlush?.spoilsConnection == true {
                self.connection = nil
            }
            throw error
        }
    }
}

// MARK: What the TPM is and holds

extension TPM {
    package func properties() throws(TPMError) -> TPMProperties {
        try perform { (connection) throws(TPMError) in try connection.properties() }
    }

    /// The banks that the TPM implements with the registers that are allocated: none for a bank that is switched off.
    package func pcrBanks() throws(TPMError) -> [PCRBank: PCRSet] {
        try perform { (connection) throws(TPMError) in try connection.pcrBanks() }
    }

    /// Values of all registers of the selection that are allocated; unsigned.
    package func readPCRs(_ selection: TPMLPCRSelection) throws(TPMError) -> PCRValues {
        try perform { (connection) throws(TPMError) in try connection.readPCRs(selection) }
    }

    package func readClock() throws(TPMError) -> TPMTimeInfo {
        try perform { (connection) throws(TPMError) in try TPMParsing.timeInfo(connection.context.readClock()) }
    }

    /// - Parameter count: at most the size of the TPM's largest digest; a TPM may give fewer, which is an error here.
    package func random(_ count: Int) throws(TPMError) -> [UInt8] {
        try perform { (connection) throws(TPMError) in
            guard let wanted = UInt16(exactly: count), count <= 32 else {
                throw TPMError("TPM2_GetRandom", .argumentTooLong("count", count: count, limit: 32))
            }
            let bytes = try connection.context.random(wanted)
            guard bytes.count == count else {
                throw TPMError("TPM2_GetRandom", .malformedResponse("\(bytes.count) bytes instead of \(count)"))
            }
            return bytes
        }
    }

    /// Handles of the transient objects in the TPM's memory.
    package func transientHandles() throws(TPMError) -> [UInt32] {
        try perform { (connection) throws(TPMError) in try connection.handles(from: 0x8000_0000) }
    }
}

// MARK: Keys

extension TPM {
    /// Which kind of EK to use where the configuration names none: the first that has a certificate in NV, RSA before
    /// ECC, low range before high; else the first that is persisted; else `rsa2048`.
    package func defaultEndorsementKeyKind() throws(TPMError) -> EndorsementKeyKind {
        try perform { (connection) throws(TPMError) in
            let indices = Set(try connection.handles(from: 0x0100_0000))
            if let certified = EndorsementKeyKind.allCases.first(where: { indices.contains($0.certificateIndex) }) {
                return certified
            }
            let persistent = Set(try connection.handles(from: 0x8100_0000))
            return EndorsementKeyKind.allCases.first { persistent.contains($0.persistentHandle) } ?? .rsa2048
        }
    }

    /// The endorsement key of a kind: as it is persisted, or made from its TCG template and persisted.
    ///
    /// - Throws: `handleOccupied` when its handle holds something else.
    package func endorsementKey(_ kind: EndorsementKeyKind) throws(TPMError) -> ResidentKey {
        try perform { (connection) throws(TPMError) in try connection.endorsementKey(kind) }
    }

    /// - Returns: nil when NV holds no certificate for this kind.
    package func endorsementCertificates(
        _ kind: EndorsementKeyKind
    ) throws(TPMError) -> EndorsementCertificates? {
        try perform { (connection) throws(TPMError) in try connection.endorsementCertificates(kind) }
    }

    /// Default persistent handles: the owner's part of the range of endorsement keys, clear of the TCG's EK handles.
    package static let attestationKeyHandle: UInt32 = 0x8101_0020
    package static let nodeKeyHandle: UInt32 = 0x8101_0021

    /// The attestation key or the node key at its handle; made and persisted there when the handle is free.
    ///
    /// - Throws: `handleOccupied` when the handle holds any other key. Use ``evict(_:)`` only for a handle that is known to
    ///   be the agent's own.
    package func signingKey(
        _ template: SigningKeyTemplate, at handle: UInt32
    ) throws(TPMError) -> ResidentKey {
        try perform { (connection) throws(TPMError) in
            guard template != .boot else {
                throw TPMError("TPM2_EvictControl", .unavailable("persistent place for a key under TPM_RH_NULL"))
            }
            return try connection.signingKey(template, at: handle)
        }
    }

    /// Removes a persistent key; nothing to do where there is none.
    package func evict(_ handle: UInt32) throws(TPMError) {
        try perform { (connection) throws(TPMError) in try connection.evict(handle) }
    }
}

// MARK: What keys do

extension TPM {
    /// - Parameter qualifyingData: comes back as extraData; 32 bytes are safe with every TPM.
    package func quote(
        by attestationKey: UInt32, selection: TPMLPCRSelection, qualifyingData: [UInt8]
    ) throws(TPMError) -> SignedAttestation {
        try perform { (connection) throws(TPMError) in
            try connection.withKey(attestationKey, "TPM2_Quote") { (key) throws(TPMError) in
                try connection.context.quote(by: key, selection: selection, qualifyingData: qualifyingData)
            }
        }
    }

    /// TPM2_Certify of a persistent key by the AK.
    package func certify(
        _ object: UInt32, by attestationKey: UInt32, qualifyingData: [UInt8]
    ) throws(TPMError) -> SignedAttestation {
        try perform { (connection) throws(TPMError) in
            try connection.withKey(object, "TPM2_Certify") { (subject) throws(TPMError) in
                try connection.withKey(attestationKey, "TPM2_Certify") { (key) throws(TPMError) in
                    try connection.context.certify(subject, by: key, qualifyingData: qualifyingData)
                }
            }
        }
    }

    /// The boot key of this TPM Reset cycle, certified by the AK.
    package func certifyBootKey(
        by attestationKey: UInt32, qualifyingData: [UInt8]
    ) throws(TPMError) -> CertifiedBootKey {
        try perform { (connection) throws(TPMError) in
            try connection.certifyBootKey(by: attestationKey, qualifyingData: qualifyingData)
        }
    }

    /// Recovers the secret of a credential that was made for this EK and this AK's name.
    ///
    /// - Parameters:
    ///   - credentialBlob: TPM2B_ID_OBJECT without its size.
    ///   - encryptedSecret: TPM2B_ENCRYPTED_SECRET without its size.
    /// - Throws: TPM_RC_INTEGRITY (0x1DF) when it was made for another EK or AK.
    package func activateCredential(
        endorsementKey: UInt32, attestationKey: UInt32, credentialBlob: [UInt8], encryptedSecret: [UInt8]
    ) throws(TPMError) -> [UInt8] {
        try perform { (connection) throws(TPMError) in
            try connection.activateCredential(
                endorsementKey: endorsementKey, attestationKey: attestationKey, credentialBlob: credentialBlob,
                encryptedSecret: encryptedSecret)
        }
    }

    /// Signs a SHA-256 digest with a persistent P-256 key that is not restricted.
    ///
    /// - Returns: ECDSA-Sig-Value in DER, as TLS takes it.
    package func sign(digest: [UInt8], with key: UInt32) throws(TPMError) -> [UInt8] {
        try perform { (connection) throws(TPMError) in
            try connection.withKey(key, "TPM2_Sign") { (reference) throws(TPMError) in
                try Self.der(connection.context.sign(digest, with: reference))
            }
        }
    }

    /// Signs a SHA-256 digest with the boot key of this TPM Reset cycle: after a reset, with another key.
    package func signWithBootKey(digest: [UInt8]) throws(TPMError) -> [UInt8] {
        try perform { (connection) throws(TPMError) in
            try connection.withBootKey { (key) throws(TPMError) in
                try Self.der(connection.context.sign(digest, with: key))
            }
        }
    }

    private static func der(_ signature: [UInt8]) throws(TPMError) -> [UInt8] {
        do {
            guard case .ecdsa(_, let r, let s) = try TPMTSignature(marshalled: signature) else {
                throw TPMError("TPM2_Sign", .malformedResponse("not an ECDSA signature"))
            }
            return ECDSASignatureDER.encode(r: r, s: s)
        } catch let error as TPMError {
            throw error
        } catch {
            throw TPMError("TPM2_Sign", .malformedResponse("\(error)"))
        }
    }
}

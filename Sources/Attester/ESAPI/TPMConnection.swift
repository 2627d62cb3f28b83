internal import ByteParsing
internal import CTSS2
internal import TPMStructures

/// An open context and the references to persistent keys that it has resolved. Used by one ``TPM`` alone.
///
/// A loaded reference is kept, so that a quote is one command. It stays good over a TPM Reset: persistent objects keep
/// their handles and names.
final class TPMConnection {
    let context: ESYSContext
    private var references: [UInt32: ESYS_TR] = [:]

    init(tcti: String, retry: RetryPolicy) throws(TPMError) {
        context = try ESYSContext.open(tcti: tcti, retry: retry)
    }

    /// A reference to a persistent key or NV index; nil when the TPM has nothing there.
    func reference(to handle: UInt32) throws(TPMError) -> ESYS_TR? {
        if let known = references[handle] { return known }
        do {
            let reference = try context.reference(to: handle)
            references[handle] = reference
            return reference
        } catch {
            // TPM_RC_HANDLE for objects and NV indices; TPM_RC_VALUE where the handle's type is not implemented.
            if error.response?.base == .handle || error.response?.base == .value { return nil }
            throw error
        }
    }

    /// Runs `body` with the key at a handle. A handle whose object was evicted or replaced meanwhile is resolved again
    /// by the next call.
    func withKey<Value>(
        _ handle: UInt32, _ command: String, _ body: (ESYS_TR) throws(TPMError) -> Value
    ) throws(TPMError) -> Value {
        guard let reference = try reference(to: handle) else {
            throw TPMError(command, .unavailable("key at 0x\(String(handle, radix: 16))"))
        }
        do { return try body(reference) } catch {
            if error.response?.base == .handle || error.returnCode?.layer == .esapi { forget(handle) }
            throw error
        }
    }

    func remember(_ reference: ESYS_TR, at handle: UInt32) { references[handle] = reference }

    func forget(_ handle: UInt32) {
        if let reference = references.removeValue(forKey: handle) { context.close(reference) }
    }

    /// Flushes transient objects and sessions that a killed predecessor left: without a resource manager they fill the
    /// TPM's few slots for good (AG-10). Through a resource manager there are none to be seen. Only for a connection
    /// that has the TPM to itself.
    func flushLeftovers() throws(TPMError) {
        // Transient objects; HMAC and policy sessions share one list (TPM_HT_LOADED_SESSION).
        for first: UInt32 in [0x8000_0000, 0x0200_0000] {
            for handle in try handles(from: first) {
                let reference = try context.reference(to: handle)
                try context.flush(reference)
            }
        }
    }

    /// All handles of the type that `first` is of.
    func handles(from first: UInt32) throws(TPMError) -> [UInt32] {
        var found: [UInt32] = []
        var next = first
        while true {
            let answer = try context.capability(TPM2_CAP(TPM2_CAP_HANDLES), property: next, count: 64)
            let page = try TPMParsing.handles(answer.data)
            found += page
            guard answer.more, let last = page.last, last >= next, last < .max else { return found }
            next = last + 1
        }
    }

    func describe(_ handle: UInt32, _ reference: ESYS_TR) throws(TPMError) -> ResidentKey {
        let description = try context.readPublic(reference)
        return ResidentKey(
            handle: handle, publicArea: description.publicArea,
            parsed: try TPMParsing.publicArea(description.publicArea), name: description.name,
            qualifiedName: description.qualifiedName)
    }

    /// Whether a key is a primary of the endorsement hierarchy: its qualified name is H(TPM_RH_ENDORSEMENT ‖ name).
    func isEndorsementPrimary(_ key: ResidentKey) throws(TPMError) -> Bool {
        guard let algorithm = key.parsed.nameAlgorithm else { return false }
        let digest = try context.hash(TPM2BName.endorsementHierarchy.bytes + key.name, algorithm)
        return Array(key.qualifiedName.dropFirst(2)) == digest
            && key.qualifiedName.prefix(2).elementsEqual(key.name.prefix(2))
    }
}

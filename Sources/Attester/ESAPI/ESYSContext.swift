internal import CTSS2
internal import Glibc
internal import TPMStructures

/// Owns an ESYS_CONTEXT and the TCTI below it. Blocking, one command at a time; ``TPM`` keeps it on its own thread.
@safe struct ESYSContext: ~Copyable {
    private let esys: OpaquePointer
    // Members are destroyed after the body of deinit: the TCTI outlives the context that uses it.
    private let tcti: TCTIContext
    private let retry: RetryPolicy

    private init(owned esys: OpaquePointer, tcti: consuming TCTIContext, retry: RetryPolicy) {
        unsafe self.esys = esys
        self.tcti = tcti
        self.retry = retry
    }

    static func open(tcti configuration: String, retry: RetryPolicy) throws(TPMError) -> ESYSContext {
        let tcti = try TCTIContext.open(configuration)
        var context: OpaquePointer?
        let code = unsafe tcti.withPointer { unsafe Esys_Initialize(&context, $0, nil) }
        guard code == TSS2_RC_SUCCESS, let context = unsafe context else {
            throw TPMError("Esys_Initialize", .returnCode(TSS2ReturnCode(rawValue: code)))
        }
        return unsafe ESYSContext(owned: context, tcti: tcti, retry: retry)
    }

    deinit {
        var context: OpaquePointer? = unsafe esys
        unsafe Esys_Finalize(&context)
    }

    /// Runs one command, again after a pause while the TPM is busy.
    borrowing func run(_ command: String, _ body: (OpaquePointer) -> TSS2_RC) throws(TPMError) {
        var pauses = retry.pausesMilliseconds[...]
        while true {
            let code = TSS2ReturnCode(rawValue: unsafe body(esys))
            if code.rawValue == TSS2_RC_SUCCESS { return }
            guard code.response?.isRetriable == true, let pause = pauses.popFirst() else {
                throw TPMError(command, .returnCode(code))
            }
            usleep(pause * 1_000)
        }
    }

    /// Flushes a transient object or a session. That the TPM no longer knows it (a reset came between) is no failure.
    borrowing func flush(_ reference: ESYS_TR) throws(TPMError) {
        do {
            try unsafe run("TPM2_FlushContext") { unsafe Esys_FlushContext($0, reference) }
        } catch {
            close(reference)
            guard error.response?.base == .handle else { throw error }
        }
    }

    /// Forgets a reference; the object stays in the TPM.
    borrowing func close(_ reference: ESYS_TR) {
        var reference = reference
        _ = unsafe Esys_TR_Close(esys, &reference)
    }

    /// Runs `body` with an object or session and flushes it on every path. A failed flush is an error of its own, or is
    /// noted in the body's error.
    borrowing func flushing<Value>(
        _ reference: ESYS_TR, after body: () throws(TPMError) -> Value
    ) throws(TPMError) -> Value {
        let value: Value
        do {
            value = try body()
        } catch {
            var error = error
            do { try flush(reference) } catch let flushError { error.failedFlush = flushError.returnCode }
            throw error
        }
        try flush(reference)
        return value
    }
}

extension ESYSContext {
    /// Moves the value out of memory that ESYS allocated, and frees it.
    ///
    /// - Parameter secret: overwrite the memory before it is freed.
    static func take<Value, Copy>(
        _ pointer: UnsafeMutablePointer<Value>?, _ command: String, secret: Bool = false,
        _ copy: (UnsafeMutablePointer<Value>) throws(TPMError) -> Copy
    ) throws(TPMError) -> Copy {
        guard let pointer = unsafe pointer else {
            throw TPMError(command, .malformedResponse("a value is missing"))
        }
        defer {
            if secret { unsafe explicit_bzero(pointer, MemoryLayout<Value>.size) }
            unsafe Esys_Free(pointer)
        }
        return try unsafe copy(pointer)
    }

    /// The bytes of any TPM2B: a 16-bit size in the host's order, then a buffer.
    static func bytes<Value>(ofTPM2B pointer: UnsafeMutablePointer<Value>) -> [UInt8] {
        let raw = unsafe UnsafeRawBufferPointer(start: pointer, count: MemoryLayout<Value>.size)
        // Bounded by the structure, whatever the size field says.
        let count = unsafe min(Int(raw.loadUnaligned(as: UInt16.self)), raw.count - 2)
        return unsafe [UInt8](raw[2..<2 + count])
    }

    /// Fills any TPM2B.
    static func fill<Value>(_ value: inout Value, _ bytes: [UInt8], _ what: String) throws(TPMError) {
        let limit = MemoryLayout<Value>.size - 2
        guard bytes.count <= limit, bytes.count <= Int(UInt16.max) else {
            throw TPMError(what, .argumentTooLong(what, count: bytes.count, limit: limit))
        }
        unsafe withUnsafeMutableBytes(of: &value) { raw in
            unsafe raw.storeBytes(of: UInt16(bytes.count), as: UInt16.self)
            for (index, byte) in bytes.enumerated() { unsafe raw[2 + index] = byte }
        }
    }

    /// Marshals a structure with tss2-mu.
    static func marshal(
        _ command: String, _ body: (UnsafeMutablePointer<UInt8>, Int, UnsafeMutablePointer<Int>) -> TSS2_RC
    ) throws(TPMError) -> [UInt8] {
        // More than any structure of a TPM's response: those are bounded by its 4,096-byte buffer.
        var buffer = [UInt8](repeating: 0, count: 8_192)
        var used = 0
        let code = unsafe buffer.withUnsafeMutableBufferPointer { buffer in
            unsafe buffer.baseAddress.map { unsafe body($0, buffer.count, &used) } ?? TSS2_RC(1)
        }
        guard code == TSS2_RC_SUCCESS else { throw TPMError(command, .returnCode(TSS2ReturnCode(rawValue: code))) }
        return Array(buffer[..<used])
    }

    /// Unmarshals a structure with tss2-mu; all bytes must be used.
    static func unmarshal(
        _ command: String, _ bytes: [UInt8],
        _ body: (UnsafePointer<UInt8>, Int, UnsafeMutablePointer<Int>) -> TSS2_RC
    ) throws(TPMError) {
        var used = 0
        let code = unsafe bytes.withUnsafeBufferPointer { buffer in
            unsafe buffer.baseAddress.map { unsafe body($0, buffer.count, &used) } ?? TSS2_RC(1)
        }
        guard code == TSS2_RC_SUCCESS, used == bytes.count else {
            throw TPMError(command, .returnCode(TSS2ReturnCode(rawValue: code)))
        }
    }
}

import ByteParsing

/// Anything that takes a TPM command and gives the response.
public protocol TPMTransport {
    func transmit(_ command: [UInt8]) throws -> [UInt8]
}

public struct TPMTransportError: Error, CustomStringConvertible {
    public let responseCode: UInt32
    public var description: String { "TPM response code 0x" + String(responseCode, radix: 16) }
}

extension TPMTransport {
    /// TPM2_Startup(CLEAR).
    public func startup() throws { try run(code: 0x144, tag: 0x8001, [0, 0], allowing: [0x100]) }

    /// TPM2_Shutdown(CLEAR), what an orderly power-off does.
    public func shutdown() throws { try run(code: 0x145, tag: 0x8001, [0, 0]) }

    /// TPM2_PCR_Extend of one bank, with the empty authorisation.
    ///
    /// - Parameters:
    ///   - algorithm: TPM_ALG_ID of the bank (0x000B is SHA-256).
    ///   - digest: as long as the bank's.
    public func extend(pcr: Int, algorithm: UInt16 = 0x000B, digest: [UInt8]) throws {
        var body = ByteWriter()
        body.writeBigEndian(UInt32(pcr))
        // TPMS_AUTH_COMMAND of a password session: TPM_RS_PW, no nonce, continueSession, no password.
        body.write([0, 0, 0, 9, 0x40, 0, 0, 9, 0, 0, 1, 0, 0])
        body.writeBigEndian(UInt32(1))
        body.writeBigEndian(algorithm)
        body.write(digest)
        try run(code: 0x182, tag: 0x8002, body.bytes)
    }

    private func run(code: UInt32, tag: UInt16, _ body: [UInt8], allowing allowed: [UInt32] = []) throws {
        var command = ByteWriter()
        command.writeBigEndian(tag)
        command.writeBigEndian(UInt32(10 + body.count))
        command.writeBigEndian(code)
        command.write(body)
        let response = try transmit(command.bytes)
        let responseCode = response[6..<10].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        guard responseCode == 0 || allowed.contains(responseCode) else {
            throw TPMTransportError(responseCode: responseCode)
        }
    }
}

import ByteParsing
import ESAPI
import Glibc
import SoftwareTPM
import TPMCryptography
import TPMStructures
import Testing

@Suite("Faults of a TPM", .enabled(if: SoftwareTPM.isAvailable, "needs swtpm and swtpm-tools"))
struct FaultTests {
    private let selection = TPMLPCRSelection(.all, banks: [.sha256])

    @Test(
        "AG-08: busy answers delay a quote and do not lose it", arguments: [UInt32(0x922), 0x908, 0x90A],
        [1, 2, 6, 50])
    func busy(code: UInt32, count: Int) async throws {
        let swtpm = try SoftwareTPM()
        let proxy = try FaultProxy(swtpm)
        let tpm = try await TPM.open(tcti: proxy.tcti, retry: quickRetry)
        let ak = try await tpm.signingKey(.attestationP256, at: TPM.attestationKeyHandle)
        proxy.refuse(next: count, with: code)
        let quote = try await tpm.quote(by: ak.handle, selection: selection, qualifyingData: [1])
        #expect(try TPMSAttest(marshalled: quote.attest).extraData == [1])
        #expect(proxy.refusedCount == count)
        #expect(try await tpm.transientHandles().isEmpty)
    }

    @Test("AG-08: a TPM that stays busy is an error that says so, after all attempts")
    func busyForEver() async throws {
        let swtpm = try SoftwareTPM()
        let proxy = try FaultProxy(swtpm)
        let tpm = try await TPM.open(tcti: proxy.tcti, retry: RetryPolicy(pausesMilliseconds: [1, 1]))
        proxy.refuse(next: .max, with: 0x922)
        let error = try await #require(throws: TPMError.self) { try await tpm.readClock() }
        #expect(error.response == .retry && error.command == "TPM2_ReadClock")
        #expect(proxy.refusedCount >= 3)
    }

    @Test("AG-09: quotes and signatures are made while the TPM is in dictionary-attack lockout")
    func lockout() async throws {
        let swtpm = try SoftwareTPM()
        let tpm = try await TPM.open(tcti: swtpm.tcti)
        let ak = try await tpm.signingKey(.attestationP256, at: TPM.attestationKeyHandle)
        let node = try await tpm.signingKey(.node, at: TPM.nodeKeyHandle)
        await tpm.close()
        try swtpm.tool("tpm2_dictionarylockout", ["-s", "-n", "1", "-t", "6000", "-l", "6000"])
        try swtpm.tool(
            "tpm2_createprimary",
            [
                "-C", "o", "-G", "ecc256:ecdsa-sha256:null", "-p", "right", "-c", "k.ctx", "-a",
                "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|sign",
            ])
        try swtpm.directory.write([1, 2, 3], to: "message")
        for _ in 0..<2 {
            // The tools leave what they loaded; without a resource manager three objects fill the TPM.
            try swtpm.tool("tpm2_flushcontext", ["-t"])
            let guess = try runProcess(
                "tpm2_sign", ["-c", "k.ctx", "-p", "wrong", "-o", "s", "message"],
                environment: swtpm.toolEnvironment, workingDirectory: swtpm.directory.path)
            #expect(!guess.succeeded)
        }
        try swtpm.tool("tpm2_flushcontext", ["-t"])
        #expect(try await tpm.properties().inLockout)
        _ = try await tpm.quote(by: ak.handle, selection: selection, qualifyingData: [])
        _ = try await tpm.sign(digest: [UInt8](repeating: 1, count: 32), with: node.handle)
        _ = try await tpm.certifyBootKey(by: ak.handle, qualifyingData: [])
        // Policy-authorised: no password, no lockout.
        let ek = try await tpm.endorsementKey(.rsa2048)
        let secret = [UInt8](1...32)
        #expect(try await tpm.activate(challenge(secret, for: ek, name: ak.name), ek: ek, ak: ak) == secret)
    }

    @Test("AG-10: nothing is left loaded after many cycles with errors and resets")
    func cycles() async throws {
        let swtpm = try SoftwareTPM()
        let proxy = try FaultProxy(swtpm)
        let tpm = try await TPM.open(tcti: proxy.tcti, retry: quickRetry)
        let ek = try await tpm.endorsementKey(.rsa2048)
        let ak = try await tpm.signingKey(.attestationP256, at: TPM.attestationKeyHandle)
        let wrong = try challenge([UInt8](1...32), for: ek, name: [0, 0x0B] + [UInt8](repeating: 1, count: 32))
        // 10,000 in Tools/bars; each cycle is a quote, a boot key and two failures.
        let cycles = getenv("BOOTGATE_TPM_CYCLES").flatMap { Int(String(cString: $0)) } ?? 300
        for _ in 0..<10 {
            for _ in 0..<max(cycles / 10, 1) {
                _ = try await tpm.quote(by: ak.handle, selection: selection, qualifyingData: [])
                _ = try await tpm.signWithBootKey(digest: [UInt8](repeating: 1, count: 32))
                await #expect(throws: TPMError.self) { try await tpm.activate(wrong, ek: ek, ak: ak) }
                await #expect(throws: TPMError.self) {
                    try await tpm.quote(by: 0x8101_0099, selection: selection, qualifyingData: [])
                }
            }
            #expect(try await tpm.transientHandles().isEmpty)
            let before = try await tpm.readClock().clock.resetCount
            try proxy.resetAndStartup()
            #expect(try await tpm.readClock().clock.resetCount == before + 1)
        }
        await tpm.close()
        proxy.stop()
        try await expectNothingLoaded(in: swtpm, after: tpm)
    }

    @Test("After a reset the AK is the same and the boot key is another")
    func reset() async throws {
        let swtpm = try SoftwareTPM()
        let proxy = try FaultProxy(swtpm)
        let tpm = try await TPM.open(tcti: proxy.tcti)
        let ak = try await tpm.signingKey(.attestationP256, at: TPM.attestationKeyHandle)
        let first = try await tpm.certifyBootKey(by: ak.handle, qualifyingData: [])
        #expect(try await tpm.certifyBootKey(by: ak.handle, qualifyingData: []).publicArea == first.publicArea)
        try proxy.resetAndStartup()
        #expect(try await tpm.signingKey(.attestationP256, at: TPM.attestationKeyHandle) == ak)
        #expect(try await tpm.certifyBootKey(by: ak.handle, qualifyingData: []).publicArea != first.publicArea)
        // Before TPM2_Startup everything is refused; our startup makes it work again.
        try swtpm.reset()
        let error = try await #require(throws: TPMError.self) { try await tpm.readClock() }
        #expect(error.response == .initialize)
        try await tpm.startup()
        _ = try await tpm.readClock()
    }

    /// TPM_CC of every command that can fail while something is loaded.
    @Test(
        "AG-10: whichever command fails, nothing stays loaded",
        arguments: [
            UInt32(0x131), 0x120, 0x173, 0x148, 0x15D, 0x176, 0x151, 0x147, 0x158,
        ])
    func failingCommand(code: UInt32) async throws {
        let swtpm = try SoftwareTPM()
        let proxy = try FaultProxy(swtpm)
        let tpm = try await TPM.open(tcti: proxy.tcti, retry: quickRetry)
        let ek = try await tpm.endorsementKey(.rsa2048)
        let ak = try await tpm.signingKey(.attestationP256, at: TPM.attestationKeyHandle)
        let made = try challenge([UInt8](1...32), for: ek, name: ak.name)
        // One refusal a try, until no operation meets it any more.
        var failures = 0
        for _ in 0..<4 {
            proxy.refuse(next: 1, with: 0x101, commands: [code])
            for operation in 0..<5 {
                do {
                    switch operation {
                    case 0: _ = try await tpm.signingKey(.node, at: TPM.nodeKeyHandle)
                    case 1: _ = try await tpm.certifyBootKey(by: ak.handle, qualifyingData: [])
                    case 2: _ = try await tpm.signWithBootKey(digest: [UInt8](repeating: 1, count: 32))
                    case 3: _ = try await tpm.activate(made, ek: ek, ak: ak)
                    default: _ = try await tpm.quote(by: ak.handle, selection: selection, qualifyingData: [])
                    }
                } catch let error as TPMError {
                    failures += 1
                    #expect(error.response == .failure && error.failedFlush == nil)
                }
            }
            try await tpm.evict(TPM.nodeKeyHandle)
        }
        #expect(failures > 0)
        await tpm.close()
        proxy.stop()
        try await expectNothingLoaded(in: swtpm, after: tpm)
    }

    @Test("A failed flush is reported, and the next start cleans up")
    func failedFlush() async throws {
        let swtpm = try SoftwareTPM()
        let proxy = try FaultProxy(swtpm)
        let tpm = try await TPM.open(tcti: proxy.tcti)
        proxy.refuse(next: 1, with: 0x101, commands: [0x165])
        let alone = try await #require(throws: TPMError.self) {
            try await tpm.signWithBootKey(digest: [UInt8](repeating: 1, count: 32))
        }
        #expect(alone.command == "TPM2_FlushContext")
        proxy.refuse(next: 1, with: 0x101, commands: [0x15D])
        proxy.refuse(next: 1, with: 0x101, commands: [0x165])
        let both = try await #require(throws: TPMError.self) {
            try await tpm.signWithBootKey(digest: [UInt8](repeating: 1, count: 32))
        }
        #expect(both.command == "TPM2_Sign" && both.failedFlush?.response == .failure)
        #expect(try await tpm.transientHandles().count == 2)
        await tpm.close()
        let next = try await TPM.open(tcti: proxy.tcti)
        #expect(try await next.transientHandles().isEmpty)
    }

    @Test(
        "AG-12: answers with inflated lengths are errors, and the next answer is read well",
        arguments: [UInt32(0x158), 0x17A, 0x17E, 0x173, 0x181, 0x14E, 0x15D, 0x17B])
    func inflatedLengths(code: UInt32) async throws {
        let swtpm = try SoftwareTPM()
        let proxy = try FaultProxy(swtpm)
        let tpm = try await TPM.open(tcti: proxy.tcti)
        let ak = try await tpm.signingKey(.attestationP256, at: TPM.attestationKeyHandle)
        let node = try await tpm.signingKey(.node, at: TPM.nodeKeyHandle)
        for position in 10..<22 {
            proxy.rewriteResponses { command, response in
                let commandCode = command[6..<10].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
                guard commandCode == code, response.count > position + 1 else { return response }
                var changed = response
                changed[position] = 0xFF
                changed[position + 1] = 0xFF
                return changed
            }
            // Whatever comes of it: no trap, no hang.
            _ = try? await tpm.quote(by: ak.handle, selection: selection, qualifyingData: [])
            _ = try? await tpm.pcrBanks()
            _ = try? await tpm.readPCRs(selection)
            _ = try? await tpm.signingKey(.node, at: node.handle)
            _ = try? await tpm.readClock()
            _ = try? await tpm.endorsementCertificates(.eccP384)
            _ = try? await tpm.sign(digest: [UInt8](repeating: 1, count: 32), with: node.handle)
            _ = try? await tpm.random(16)
            proxy.rewriteResponses(nil)
            #expect(try await tpm.signingKey(.attestationP256, at: ak.handle) == ak)
            _ = try await tpm.quote(by: ak.handle, selection: selection, qualifyingData: [])
        }
    }

    @Test("AG-11: a TPM that stands still delays, one that vanishes is an error, and both heal alone")
    func standstill() async throws {
        let swtpm = try SoftwareTPM()
        let tpm = try await TPM.open(tcti: swtpm.tcti)
        let ak = try await tpm.signingKey(.attestationP256, at: TPM.attestationKeyHandle)
        swtpm.setFrozen(true)
        async let delayed = tpm.quote(by: ak.handle, selection: selection, qualifyingData: [2])
        swtpm.setFrozen(false)
        #expect(try TPMSAttest(marshalled: await delayed.attest).extraData == [2])
        swtpm.stop()
        let error = try await #require(throws: TPMError.self) { try await tpm.readClock() }
        #expect(error.returnCode?.layer == .tcti)
        await #expect(throws: TPMError.self) { try await tpm.readClock() }
        try swtpm.start()
        _ = try await tpm.quote(by: ak.handle, selection: selection, qualifyingData: [])
    }

    @Test("AG-02: an empty TCTI is refused instead of guessed")
    func emptyTCTI() async throws {
        await #expect(throws: TPMError.self) { try await TPM.open(tcti: "") }
        let error = try await #require(throws: TPMError.self) {
            try await TPM.open(tcti: "swtpm:path=/nonexistent/socket")
        }
        #expect(error.returnCode?.layer == .tcti)
    }

    @Test("An overlong qualifyingData is refused before the TPM sees it")
    func overlong() async throws {
        let swtpm = try SoftwareTPM()
        let tpm = try await TPM.open(tcti: swtpm.tcti)
        let ak = try await tpm.signingKey(.attestationP256, at: TPM.attestationKeyHandle)
        let error = try await #require(throws: TPMError.self) {
            try await tpm.quote(
                by: ak.handle, selection: selection, qualifyingData: [UInt8](repeating: 0, count: 1_000))
        }
        guard case .argumentTooLong("qualifyingData", count: 1_000, _) = error.reason else {
            return #expect(Bool(false), "\(error)")
        }
    }
}

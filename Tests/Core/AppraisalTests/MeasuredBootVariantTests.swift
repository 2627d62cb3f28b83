import Appraisal
import ByteParsing
import ReferenceValues
import TCGEventLog
import TPMStructures
import TestVectors
import Testing

/// The issue's list of variants, appraised against a set captured from `golden`.
@Suite("Measured boots against references captured from golden")
struct MeasuredBootVariantTests {
    struct Broken: Sendable {
        var variant: String
        /// At least one of these is broken.
        var layers: Set<LayerID>
        /// Some finding of a broken layer has this id and says this.
        var id: String
        var says: String
    }

    static let passing = [
        "golden", "h1-golden-same-tpm-freshvars", "h2-golden-newtpm", "g2-warmreboot", "g4-after-powercut",
        "f1-ima-newexec",
    ]
    static let broken = [
        Broken(variant: "a-cmdline", layers: [.kernel], id: "REF_CMDLINE", says: "panic="),
        Broken(variant: "b-initrd", layers: [.kernel], id: "REF_UNKNOWN_COMPONENT", says: "/boot/initrd.img"),
        Broken(variant: "c-kernel612", layers: [.kernel], id: "REF_UNKNOWN_COMPONENT", says: "vmlinuz"),
        Broken(variant: "d-sboff-linuxefi", layers: [.secureBoot], id: "REF_SECUREBOOT", says: "SecureBoot"),
        Broken(variant: "e-grubcfg", layers: [.bootLoader, .kernel], id: "REF_UNKNOWN_COMPONENT", says: "grub.cfg"),
        Broken(variant: "e-grubcomment", layers: [.bootLoader], id: "REF_UNKNOWN_COMPONENT", says: "grub.cfg"),
        Broken(variant: "i-optionrom", layers: [.firmware], id: "REF_UNKNOWN_COMPONENT", says: "driver"),
        Broken(
            variant: "i-bootentry", layers: [.platformConfiguration], id: "REF_UNKNOWN_COMPONENT", says: "Boot0099"),
        Broken(variant: "j-gpt-extra", layers: [.bootLoader], id: "REF_UNKNOWN_COMPONENT", says: "GPT"),
        Broken(variant: "k-fw-old", layers: [.firmware], id: "REF_UNKNOWN_COMPONENT", says: "firmware-blob"),
        Broken(variant: "p-userextend-pcr8", layers: [.kernel], id: "LOG_REPLAY", says: "PCR 8"),
    ]

    @Test(
        "The same machine again passes, whatever its TPM", .enabled(if: TestVectors.corpus != nil, "no corpus"),
        arguments: passing)
    func passes(_ variant: String) throws {
        let vector = try #require(TestVectors.corpus).measuredBoot(variant)
        let result = try BootedMachine(vector).appraise(.golden())
        #expect(result.verdict == .pass, "\(result.findings)")
        #expect(result.firstBrokenLayer == nil)
        #expect(result.firstDivergentEvent == nil)
    }

    @Test(
        "EL-19, EL-22, EL-23: each change fails with its layer and names the thing",
        .enabled(if: TestVectors.corpus != nil, "no corpus"), arguments: broken)
    func fails(_ expected: Broken) throws {
        let vector = try #require(TestVectors.corpus).measuredBoot(expected.variant)
        let result = try BootedMachine(vector).appraise(.golden())
        #expect(result.verdict == .fail)
        #expect(!expected.layers.isDisjoint(with: result.brokenLayers), "\(result.brokenLayers)")
        #expect(result.firstBrokenLayer == result.brokenLayers.first)
        let named = result.findings.filter { $0.id == expected.id && $0.tier == .contraindicated }
        #expect(
            named.contains { "\($0.name ?? "") \($0.expected ?? "") \($0.seen ?? "")".contains(expected.says) },
            "\(result.findings)")
        let divergent = try #require(result.firstDivergentEvent)
        #expect(divergent.expected != nil && divergent.seen != nil)
    }

    @Test(
        "Each broken layer is shown; those above it say that they rest on it and still list their own findings",
        .enabled(if: TestVectors.corpus != nil, "no corpus"))
    func layersAbove() throws {
        let vector = try #require(TestVectors.corpus).measuredBoot("d-sboff-linuxefi")
        let result = try BootedMachine(vector).appraise(.golden())
        #expect(result.firstBrokenLayer == .firmware)
        let secureBoot = try #require(result.layer(.secureBoot))
        #expect(!secureBoot.trustworthy)
        #expect(secureBoot.restsOn == .firmware)
        #expect(!secureBoot.findings.isEmpty)
        #expect(result.layer(.firmware)?.trustworthy == true)
    }

    @Test(
        "Without an event log there is never a pass, and the reason is said",
        .enabled(if: TestVectors.corpus != nil, "no corpus"))
    func noLog() throws {
        let vector = try #require(TestVectors.corpus).measuredBoot("d-sboff-samecode")
        let result = try BootedMachine(vector).appraise(.golden())
        #expect(result.verdict != .pass)
        #expect(result.findings.contains { $0.id == "LOG_MISSING" })
        #expect(result.findings.contains { $0.id == "REF_PCR_VALUE" && $0.pcr == 7 && $0.layer == .secureBoot })
    }
}

/// What `inspect` reads: whatever is cut off is refused with its place, and nothing crashes.
@Suite("Truncated inputs")
struct TruncationTests {
    @Test("Every cut of a measured boot's event log is refused, or is a shorter log that ends between two records")
    func eventLogs() throws {
        for vector in [TestVectors.golden, TestVectors.changedCommandLine, TestVectors.userExtendedPCR8] {
            let bytes = try vector.eventLog
            let ends = Set(try TCGEventLog(parsing: bytes).events.map(\.range.upperBound))
            for length in 0..<bytes.count {
                let whole = (try? TCGEventLog(parsing: Array(bytes.prefix(length)))) != nil
                #expect(whole == ends.contains(length), "\(vector) \(length)")
            }
        }
    }

    @Test("Every cut of a quote, a signature and a public area is refused")
    func structures() throws {
        let vector = TestVectors.golden
        let (quote, signature, area) = (
            try vector.quoteMessage, try vector.quoteSignature, try vector.attestationKeyPublic
        )
        for length in quote.indices {
            #expect(throws: ParsingError.self) { try TPMSAttest(marshalled: Array(quote.prefix(length))) }
        }
        for length in signature.indices {
            #expect(throws: ParsingError.self) { try TPMTSignature(marshalled: Array(signature.prefix(length))) }
        }
        for length in area.indices {
            #expect(throws: ParsingError.self) { try TPMTPublic(tpm2bPublic: Array(area.prefix(length))) }
        }
    }
}

import AssetFingerprints
import AttestationMessages
import AttesterSession
import TPMStructures
import Testing

/// A challenge that is acceptable until a test changes it.
func goodChallenge() -> AttestationChallenge {
    AttestationChallenge(
        challengeID: "c-1", nonce: WireBytes([UInt8](repeating: 7, count: 32)), expiresInSeconds: 60,
        pcrSelection: WireBytes(TPMLPCRSelection(.all, banks: [.sha256]).marshalled),
        fingerprintIntervals: [.accounts: 3600], attestationIntervalSeconds: 300)
}

struct HostileChallenge: CustomTestStringConvertible, Sendable {
    var testDescription: String
    var challenge: AttestationChallenge

    init(_ name: String, _ change: (inout AttestationChallenge) -> Void) {
        testDescription = name
        challenge = goodChallenge()
        change(&challenge)
    }

    static let all = [
        HostileChallenge("nonce of 31 bytes") { $0.nonce = WireBytes([UInt8](repeating: 0, count: 31)) },
        HostileChallenge("no nonce") { $0.nonce = WireBytes([]) },
        HostileChallenge("nonce of 100,000 bytes") { $0.nonce = WireBytes([UInt8](repeating: 0, count: 100_000)) },
        HostileChallenge("PCR 24") { $0.pcrSelection = WireBytes([0, 0, 0, 1, 0, 11, 4, 0, 0, 0, 1]) },
        HostileChallenge("unknown bank") { $0.pcrSelection = WireBytes([0, 0, 0, 1, 0, 0x99, 3, 1, 0, 0]) },
        HostileChallenge("a bank twice") {
            $0.pcrSelection = WireBytes([0, 0, 0, 2, 0, 11, 3, 1, 0, 0, 0, 11, 3, 2, 0, 0])
        },
        HostileChallenge("no bank") { $0.pcrSelection = WireBytes([0, 0, 0, 0]) },
        HostileChallenge("no PCR") { $0.pcrSelection = WireBytes([0, 0, 0, 1, 0, 11, 3, 0, 0, 0]) },
        HostileChallenge("half a selection") { $0.pcrSelection = WireBytes([0, 0, 0, 1, 0, 11]) },
        HostileChallenge("no selection") { $0.pcrSelection = WireBytes([]) },
        HostileChallenge("4,000,000,000 banks") { $0.pcrSelection = WireBytes([0xee, 0x6b, 0x28, 0]) },
        HostileChallenge("interval 0") { $0.attestationIntervalSeconds = 0 },
        HostileChallenge("interval beyond all bounds") { $0.attestationIntervalSeconds = .max },
        HostileChallenge("fingerprints every second") { $0.fingerprintIntervals = [.runningProcesses: 1] },
        HostileChallenge("fingerprints at negative intervals") { $0.fingerprintIntervals = [.accounts: -5] },
        HostileChallenge("a nonce that is void at once") { $0.expiresInSeconds = 0 },
        HostileChallenge("the measurement list from a negative byte") { $0.measurementListOffset = -1 },
        HostileChallenge("the measurement list from beyond its limit") { $0.measurementListOffset = (64 << 20) + 1 },
        HostileChallenge("an id with a path") { $0.challengeID = "../../etc/passwd" },
        HostileChallenge("an id with a command") { $0.challengeID = "$(reboot)" },
        HostileChallenge("an id of 4,000 bytes") { $0.challengeID = String(repeating: "a", count: 4000) },
    ]
}

@Suite("Which challenges are answered")
struct ChallengeTests {
    @Test("A challenge of the protocol is accepted as it is")
    func good() throws {
        let checked = try CheckedChallenge(goodChallenge())
        #expect(checked.nonce.count == 32)
        #expect(checked.selection.selections.first?.pcrs == .all)
    }

    @Test("TA-19: a hostile challenge is refused with AGENT_BAD_CHALLENGE", arguments: HostileChallenge.all)
    func hostile(_ hostile: HostileChallenge) {
        let error = #expect(throws: SessionFailure.self) { try CheckedChallenge(hostile.challenge) }
        #expect(error?.code == "AGENT_BAD_CHALLENGE")
    }
}

@Suite("What is uploaded")
struct EvidenceUploadTests {
    private let logs = ["event-log": 0..<EvidenceUpload.chunkSize + 10, "empty": 0..<0, "ima": 1000..<2000]

    @Test("Parts follow the verifier's offsets to the end of the log")
    func parts() throws {
        var upload = EvidenceUpload(logs: logs)
        let first = try #require(try upload.next([LogNeed(log: "event-log", offset: 0)]))
        #expect(first.range == 0..<EvidenceUpload.chunkSize)
        upload.didSend(first)
        let second = try #require(try upload.next([LogNeed(log: "event-log", offset: first.range.upperBound)]))
        #expect(second.range.count == 10)
        #expect(try upload.next([]) == nil)
    }

    @Test("A lost reply: the same offset is sent again until the verifier has answered it")
    func resumed() throws {
        var upload = EvidenceUpload(logs: logs)
        let need = [LogNeed(log: "event-log", offset: 5)]
        #expect(try upload.next(need) == upload.next(need))
    }

    @Test(
        "TA-19: what was not announced, lies outside, or was acknowledged is not sent",
        arguments: [
            ("passwd", 0), ("event-log", -1), ("event-log", Int.max), ("event-log", 1_048_586), ("empty", 0),
            ("ima", 999), ("ima", 2000),
        ])
    func refused(log: String, offset: Int) {
        var upload = EvidenceUpload(logs: logs)
        #expect(throws: SessionFailure.self) { try upload.next([LogNeed(log: log, offset: offset)]) }
    }

    @Test("TA-19: a verifier that wants the same bytes for ever gets them once")
    func noLoop() throws {
        var upload = EvidenceUpload(logs: logs)
        let need = [LogNeed(log: "event-log", offset: 0)]
        upload.didSend(try #require(try upload.next(need)))
        #expect(throws: SessionFailure.self) { try upload.next(need) }
    }
}

import AttestationMessages
import GRDB
import Testing
import VerifierService
import VerifierStore

@Suite("Upgrade to selections as the TPM takes them")
struct SelectionUpgradeTests {
    /// The store as the version before left it: its selections are text that this one does not read.
    private static func downgrade(_ path: String) throws {
        let queue = try DatabaseQueue(path: path)
        try queue.write { db in
            try db.execute(
                sql: """
                    DELETE FROM grdb_migrations WHERE identifier = '2026-11 selections as the TPM takes them';
                    UPDATE challenges SET selection = 'sha256=0.1.2.3.4.5.6.7';
                    UPDATE pending_evidence SET selection = 'sha256=0.1.2.3.4.5.6.7';
                    """)
        }
        try queue.close()
    }

    @Test("Open challenges and waiting uploads are void, what was judged is kept, and every node attests on")
    func upgrade() async throws {
        let old = try await VerifierTestBench()
        let asked = try await old.enrolled("n1")
        var waiting = try await old.enrolled("n2")
        let verdictID = try #require(try await old.attest(asked).verdictID)
        try await old.attest(waiting)
        let open = try await asked.evidence(old)
        waiting.eventLog += [0]
        let unfinished = try await old.attestation.submit(try await waiting.evidence(old), node: waiting.peer)
        #expect(unfinished.verdict == nil && unfinished.need == [LogNeed(log: "event-log", offset: 0)])
        let half = try await old.attestation.upload(
            evidenceID: unfinished.evidenceID, log: .eventLog, offset: 0, bytes: Array(waiting.eventLog.prefix(100)),
            node: waiting.peer)
        #expect(half.need == [LogNeed(log: "event-log", offset: 100)])

        let new = try old.restarted(tampering: Self.downgrade)

        let (askedID, waitingID, akName) = (asked.id, waiting.id, asked.akName)
        try await new.store.read { snapshot in
            #expect(try snapshot.challenge(of: askedID) == nil)
            #expect(try snapshot.challenge(of: waitingID) == nil)
            #expect(try snapshot.pendingEvidence(of: waitingID) == nil)
            #expect(try snapshot.uploads(of: unfinished.evidenceID).isEmpty)
            let verdict = try snapshot.verdict(verdictID)
            #expect(verdict?.verdict == .pass && verdict?.result != nil && verdict?.evidence != nil)
            let state = try #require(try snapshot.attestationState(akName: akName))
            #expect(state.lastVerdictID == verdictID && state.counters?.resetCount == 1)
            #expect(try snapshot.keptRegisters(akName: akName, pcrDigest: state.pcrDigest ?? []) != nil)
            #expect(try snapshot.hasBlob(sha256: state.eventLogSHA256 ?? []))
        }
        let (attestation, peers) = (new.attestation, (asked: asked.peer, waiting: waiting.peer))
        #expect(
            await nodeRefusal { _ = try await attestation.submit(open, node: peers.asked) }?.code
                == "QUOTE_NONCE_EXPIRED")
        #expect(
            await nodeRefusal {
                _ = try await attestation.upload(
                    evidenceID: unfinished.evidenceID, log: .eventLog, offset: 0, bytes: [0], node: peers.waiting)
            }?.code == "EVIDENCE_UNKNOWN")
        waiting.eventLog.removeLast()
        for node in [asked, waiting] {
            #expect(try await new.attest(node).verdict == .pass)
            #expect(try await new.decision(node) == "admit")
        }
    }
}

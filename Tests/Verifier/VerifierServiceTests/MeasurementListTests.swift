import Appraisal
import AttestationMessages
import AttestationTestKit
import Crypto
import JSONCoding
import ReferenceValues
import SecurityEvents
import TPMCryptography
import TPMStructures
import Testing
import VerifierService
import VerifierStore

/// Nodes of a group whose references judge the kernel's measurement list.
@Suite("Measurement lists over the wire")
struct MeasurementListTests {
    /// A node that ran twenty files, and a set that knows them and `/opt/later`.
    private func start(
        policy: VerifierPolicy = VerifierPolicy(), files: Int = 20
    ) async throws -> (VerifierTestBench, SoftwareNode) {
        let bench = try await VerifierTestBench(references: false, policy: policy)
        var node = try await bench.enrolled()
        node.measure { list in for number in 0..<files { list.addFile("/usr/bin/\(number)") } }
        try await bench.activate(try Self.references(node))
        return (bench, node)
    }

    static func references(_ node: SoftwareNode, edit: (inout ReferenceSet) -> Void = { _ in }) throws -> [UInt8] {
        var node = node
        for number in 0..<5 { node.measure { $0.addFile("/opt/later/\(number)") } }
        var set = try ReferenceCapture.draft(
            name: "golden", group: "default",
            from: [
                .init(
                    pcrs: node.attestedPCRs(), eventLog: node.eventLog, label: "test",
                    measurementList: node.measurements?.bytes)
            ], layers: LayerID.boot + [.runtime])
        set.runtime?.minimumEntries = 2
        edit(&set)
        return try set.encoded()
    }

    private func result(_ reply: EvidenceReply, _ bench: VerifierTestBench) async throws -> AttestationResult {
        let record = try #require(try await bench.store.read { try $0.verdict(reply.verdictID ?? "") })
        let bytes = try #require(record.result)
        return try StrictJSON.decode(AttestationResult.self, from: bytes)
    }

    @Test("PCR 10 is challenged in the references' banks, the list judged, and afterwards only what is new is sent")
    func increments() async throws {
        var (bench, node) = try await start()
        let challenge = try await node.challenge(bench)
        #expect(challenge.measurementListOffset == 0)
        let asked = try TPMLPCRSelection(marshalled: challenge.pcrSelection.bytes)
        let pcr10 = try #require(PCRIndex(10))
        let naming = asked.selections.filter { $0.pcrs.contains(pcr10) }.map(\.bank)
        let references = try CompiledReferences(parsing: Self.references(node))
        #expect(Set(naming) == Set(references.banks))
        let reply = try await bench.finish(
            try await bench.attestation.submit(node.evidence(for: challenge), node: node.peer), node)
        #expect(reply.verdict == .pass)
        #expect(try await result(reply, bench).layer(.runtime)?.tier == .affirming)
        for number in 0..<5 {
            let before = node.measurements?.bytes.count ?? 0
            node.measure { $0.addFile("/opt/later/\(number)") }
            node.clock.clock += 10
            let submission = try await node.evidence(bench)
            #expect(submission.measurementList?.offset == before)
            #expect(submission.measurementList?.bytes.bytes.count ?? 0 < 200)
            #expect(try await bench.attestation.submit(submission, node: node.peer).verdict == .pass)
        }
        // Nothing new: an empty stretch.
        let quiet = try await node.evidence(bench)
        #expect(quiet.measurementList?.bytes.bytes.isEmpty == true)
        #expect(try await bench.attestation.submit(quiet, node: node.peer).verdict == .pass)
    }

    @Test("IM-01: a file that no reference knows refuses the node, then and until its next boot")
    func im01() async throws {
        var (bench, node) = try await start()
        #expect(try await bench.attest(node).verdict == .pass)
        node.measure { $0.addFile("/root/evil") }
        let akName = node.akName
        for _ in 0..<3 {
            node.clock.clock += 10
            let reply = try await bench.attest(node)
            #expect(reply.verdict == .fail)
            let detail = try await bench.store.read { try $0.attestationState(akName: akName) }
            #expect(detail?.tiers.byLayer["runtime"] == Tier.contraindicated.rawValue)
        }
        #expect(try await bench.decision(node) == "ADM_STICKY_FAIL")
        let event = try await bench.events().first { $0.eventID == "IMA_UNKNOWN_FILE" }
        #expect(event?.severity == .high && event?.fields["name"] == "/root/evil")
    }

    @Test("IM-07: a stretch from elsewhere is 409 IMA_OFFSET with the wanted offset, and uses nothing up")
    func im07() async throws {
        var (bench, node) = try await start()
        #expect(try await bench.attest(node).verdict == .pass)
        let end = try #require(node.measurements?.bytes.count)
        node.measure { $0.addFile("/opt/later/0") }
        let list = try #require(node.measurements?.bytes)
        let honest = try await node.evidence(bench)
        for offset in [end - 1, end + 1, 0, list.count + 1, Int.max, -1] {
            var submission = honest
            let bytes = (0...list.count).contains(offset) ? Array(list[offset...]) : []
            submission.measurementList = MeasurementListPart(
                offset: offset, end: max(offset, list.count), bytes: WireBytes(bytes))
            let refusal = await nodeRefusal { _ = try await bench.attestation.submit(submission, node: node.peer) }
            #expect(refusal?.kind == .conflict && refusal?.code == "IMA_OFFSET" && refusal?.offset == end)
        }
        var reversed = honest
        reversed.measurementList?.end = end - 1
        #expect(
            await nodeRefusal { _ = try await bench.attestation.submit(reversed, node: node.peer) }?.code
                == "IMA_OFFSET")
        var short = honest
        short.measurementList?.end += 1
        #expect(
            await nodeRefusal { _ = try await bench.attestation.submit(short, node: node.peer) }?.code
                == "EVIDENCE_LIST")
        #expect(try await bench.attestation.submit(honest, node: node.peer).verdict == .pass)
        // The right offset with the list of another boot.
        var other = node
        other.measurements = nil
        other.measure { for number in 0..<40 { $0.addFile("/usr/bin/\(number % 20)") } }
        node.clock.clock += 10
        var submission = try await node.evidence(bench)
        let offset = try #require(submission.measurementList?.offset)
        let foreign = Array(try #require(other.measurements?.bytes)[offset...])
        submission.measurementList = MeasurementListPart(
            offset: offset, end: offset + foreign.count, bytes: WireBytes(foreign))
        let reply = try await bench.attestation.submit(submission, node: node.peer)
        #expect(reply.verdict == .fail)
        // What was known stays known: the honest list goes on from it.
        node.clock.clock += 10
        #expect(try await node.evidence(bench).measurementList?.offset == offset)
    }

    @Test(
        "IM-08: after a restart the list goes on from what the verdict's transaction kept; without it, from its start")
    func im08() async throws {
        var (bench, node) = try await start()
        #expect(try await bench.attest(node).verdict == .pass)
        let end = try #require(node.measurements?.bytes.count)
        node.measure { $0.addFile("/opt/later/0") }
        node.clock.clock += 10
        // Another verifier on the same store: nothing in memory.
        let restarted = AttestationService(store: bench.store, policy: bench.policy)
        let challenge = try await restarted.challenge(
            ChallengeRequest(bootID: node.bootID, agentRunID: node.runID), node: node.peer)
        #expect(challenge.measurementListOffset == end)
        #expect(try await restarted.submit(node.evidence(for: challenge), node: node.peer).verdict == .pass)
        let akName = node.akName
        try await bench.store.write { try $0.deleteMeasurementList(akName: akName) }
        node.clock.clock += 10
        var submission = try await node.evidence(bench)
        #expect(submission.measurementList?.offset == 0)
        submission.measurementList = node.measurementList(from: end)
        let refusal = await nodeRefusal { _ = try await restarted.submit(submission, node: node.peer) }
        #expect(refusal?.code == "IMA_OFFSET" && refusal?.offset == 0)
    }

    @Test("A new boot's list begins anew, whatever the node says of its boot")
    func newBoot() async throws {
        var (bench, node) = try await start()
        #expect(try await bench.attest(node).verdict == .pass)
        let old = try #require(node.measurements?.bytes.count)
        node.reboot()
        node.measurements = nil
        node.measure { for number in 0..<3 { $0.addFile("/usr/bin/\(number)") } }
        // The agent names its old boot and so is told the old offset: the quote's counters decide.
        let challenge = try await bench.attestation.challenge(
            ChallengeRequest(bootID: "boot-1", agentRunID: node.runID), node: node.peer)
        #expect(challenge.measurementListOffset == old)
        var submission = try node.evidence(for: challenge)
        submission.measurementList = MeasurementListPart(offset: old, end: old, bytes: WireBytes([]))
        let refusal = await nodeRefusal { _ = try await bench.attestation.submit(submission, node: node.peer) }
        #expect(refusal?.code == "IMA_OFFSET" && refusal?.offset == 0)
        submission.measurementList = node.measurementList(from: 0)
        #expect(try await bench.attestation.submit(submission, node: node.peer).verdict == .pass)
    }

    @Test(
        "IM-11: a kexec that the references allow warns and goes on; one that they do not know fails",
        arguments: [true, false])
    func im11(isAllowed: Bool) async throws {
        let bench = try await VerifierTestBench(references: false)
        var node = try await bench.enrolled()
        node.measure { list in for number in 0..<20 { list.addFile("/usr/bin/\(number)") } }
        let commandLine = Array("root=/dev/sda1 quiet".utf8)
        let digest = Array(SHA256.hash(data: commandLine))
        let allowed = try #require(Digest(algorithm: .sha256, bytes: digest)).description
        try await bench.activate(
            try Self.references(node) { if isAllowed { $0.runtime?.kexec = [allowed] } })
        #expect(try await bench.attest(node).verdict == .pass)
        // A kernel with CONFIG_IMA_KEXEC hands its list to the next one, which begins with its own boot aggregate.
        let values = node.values
        node.measure { list in
            list.add(
                "ima-buf",
                [IMAListBuilder.digest("sha256", digest), IMAListBuilder.name("kexec-cmdline"), commandLine])
            list.addBootAggregate(values)
        }
        node.kexec()
        for _ in 0..<2 {
            // The kernel is another one: the node is told to begin anew, and then where the list goes on.
            var submission = try await node.evidence(bench)
            submission.measurementList = node.measurementList(from: try await stored(bench, node))
            let reply = try await bench.finish(
                try await bench.attestation.submit(submission, node: node.peer), node)
            #expect(reply.verdict == (isAllowed ? .pass : .fail))
            let identity = try await lastResult(bench, node).layer(.tpmIdentity)
            #expect(identity?.tier == (isAllowed ? .warning : .contraindicated))
            #expect(identity?.findings.map(\.id) == [isAllowed ? "BOOT_KEXEC" : "BOOT_WITHOUT_RESET"])
            node.measure { $0.addFile("/opt/later/0") }
            node.clock.clock += 10
        }
        #expect(try await bench.decision(node) == (isAllowed ? "admit" : "ADM_STICKY_FAIL"))
        let rows = try await bench.store.read { [id = node.id] in try $0.reboots(of: id, before: nil, limit: 9) }
        #expect(rows.map(\.findings) == [["BOOT_WITHOUT_RESET"]])
        let told = try await bench.events().map(\.eventID)
        #expect(told.contains(isAllowed ? "BOOT_KEXEC" : "BOOT_WITHOUT_RESET"))
        #expect(!told.contains(isAllowed ? "BOOT_WITHOUT_RESET" : "BOOT_KEXEC"))
    }

    private func stored(_ bench: VerifierTestBench, _ node: SoftwareNode) async throws -> Int {
        let akName = node.akName
        return try await bench.store.read { try $0.measurementList(akName: akName) }?.byteCount ?? 0
    }

    private func lastResult(_ bench: VerifierTestBench, _ node: SoftwareNode) async throws -> AttestationResult {
        let akName = node.akName
        let record = try await bench.store.read { snapshot in
            try snapshot.attestationState(akName: akName)?.resultVerdictID.flatMap { try snapshot.verdict($0) }
        }
        let bytes = try #require(record?.result)
        return try StrictJSON.decode(AttestationResult.self, from: bytes)
    }

    @Test(
        "A long list is uploaded in parts; a part from elsewhere is IMA_OFFSET; one beyond the limit is refused whole")
    func uploads() async throws {
        var policy = VerifierPolicy()
        policy.maxMeasurementListSize = 1 << 20
        var (bench, node) = try await start(policy: policy, files: 2000)
        let list = try #require(node.measurements?.bytes)
        #expect(list.count > 2 * MeasurementListPart.longestInline)
        var reply = try await bench.attestation.submit(node.evidence(bench), node: node.peer)
        while let need = reply.need.first, need.log != "ima" {
            reply = try await bench.attestation.upload(
                evidenceID: reply.evidenceID, log: .eventLog, offset: need.offset, bytes: node.eventLog,
                node: node.peer)
        }
        #expect(reply.need == [LogNeed(log: "ima", offset: 0)])
        let id = reply.evidenceID
        let peer = node.peer
        func put(_ range: Range<Int>) async throws -> EvidenceReply {
            try await bench.attestation.upload(
                evidenceID: id, log: .measurementList, offset: range.lowerBound, bytes: Array(list[range]), node: peer)
        }
        #expect(try await put(0..<50_000).need == [LogNeed(log: "ima", offset: 50_000)])
        for start in [0, 49_999, 50_001] {
            let refusal = await nodeRefusal { _ = try await put(start..<start + 100) }
            #expect(refusal?.code == "IMA_OFFSET" && refusal?.offset == 50_000)
        }
        #expect(try await put(50_000..<list.count).verdict == .pass)
        node.measure { $0.addFile("/opt/later/0") }
        node.clock.clock += 10
        #expect(try await bench.attest(node).verdict == .pass)
        node.measure { list in for number in 0..<20_000 { list.addFile("/opt/later/\(number % 5)") } }
        let tooLong = await nodeRefusal {
            _ = try await bench.attestation.submit(node.evidence(bench), node: node.peer)
        }
        #expect(tooLong?.kind == .tooLarge && tooLong?.code == "EVIDENCE_SIZE")
    }

    @Test("A quote that was made while the kernel measured: the list tells what PCR 10 held, nothing else is believed")
    func moved() async throws {
        var (bench, node) = try await start()
        #expect(try await bench.attest(node).verdict == .pass)
        for isHonest in [true, false] {
            node.clock.clock += 10
            node.measure { $0.addFile("/opt/later/\(isHonest ? 0 : 2)") }
            var submission = try await node.evidence(bench)
            // Between the quote and the reading another file ran.
            var later = node
            later.measure { $0.addFile("/opt/later/1") }
            var values = later.values
            if !isHonest { values.set(.zero(.sha256), bank: .sha256, index: PCRIndex.all[4]) }
            submission.pcrs = PCRValueCodec.wire(values)
            submission.measurementList = later.measurementList(from: submission.measurementList?.offset ?? 0)
            let reply = try await bench.attestation.submit(submission, node: node.peer)
            #expect(reply.verdict == (isHonest ? .pass : .fail))
            if !isHonest { #expect(try await result(reply, bench).reasons.contains("QUOTE_PCR_DIGEST")) }
        }
    }

    @Test("Other references judge the stored part again: nothing is sent twice, and a file that is denied now fails")
    func policyChange() async throws {
        var (bench, node) = try await start()
        #expect(try await bench.attest(node).verdict == .pass)
        let end = try #require(node.measurements?.bytes.count)
        try await bench.activate(
            try Self.references(node) { set in set.runtime?.files?.removeAll { $0.hasSuffix("/usr/bin/7") } },
            version: 2)
        node.clock.clock += 10
        let submission = try await node.evidence(bench)
        #expect(submission.measurementList?.offset == end && submission.measurementList?.bytes.bytes.isEmpty == true)
        let reply = try await bench.attestation.submit(submission, node: node.peer)
        #expect(reply.verdict == .fail)
        #expect(try await result(reply, bench).firstDivergentEvent?.name == "/usr/bin/7")
    }

    @Test("A preview by the same rules judges kept evidence by the part of the list that it stands for")
    func previewOfOlderEvidence() async throws {
        var (bench, node) = try await start()
        let document = try Self.references(node)
        #expect(try await bench.attest(node).verdict == .pass)
        // Passes that change nothing keep no evidence; the list goes on all the same.
        for number in 0..<3 {
            node.measure { $0.addFile("/opt/later/\(number)") }
            node.clock.clock += 10
            #expect(try await bench.attest(node).verdict == .pass)
        }
        let peer = OperatorPeer(
            name: "ada", roles: OperatorFixture.everyRole, keySHA256: "aa", source: "192.0.2.1")
        let references = ReferenceService(store: bench.store, labMode: false, policy: bench.policy)
        let draft = try await references.draft(
            ReferenceDraftRequest(
                name: "golden", group: "default", document: WireBytes(document), captureFrom: [], note: nil),
            peer: peer)
        let preview = try await references.preview("golden", version: draft.view.version, peer: peer)
        #expect(preview.judged == 1 && preview.unchanged == 1, "\(preview)")
    }

    @Test("A challenge from before references judged the list asks for another, and nobody is alarmed")
    func olderChallenge() async throws {
        let bench = try await VerifierTestBench()
        var node = try await bench.enrolled()
        node.measure { $0.addFile("/usr/bin/0") }
        let challenge = try await node.challenge(bench)
        #expect(challenge.measurementListOffset == nil)
        try await bench.activate(try Self.references(node), version: 2)
        let refusal = await nodeRefusal {
            _ = try await bench.attestation.submit(node.evidence(for: challenge), node: node.peer)
        }
        #expect(refusal?.kind == .gone && refusal?.code == "QUOTE_SELECTION_OLD")
        #expect(try await bench.events().allSatisfy { $0.eventID != "QUOTE_SELECTION_OLD" })
        #expect(try await bench.attest(node).verdict == .pass)
    }

    @Test("QF-26, IM-12: a withheld list never passes; a register that nothing extended says that IMA is off")
    func withheld() async throws {
        var (bench, node) = try await start()
        var submission = try await node.evidence(bench)
        submission.measurementList = nil
        let reply = try await bench.finish(
            try await bench.attestation.submit(submission, node: node.peer), node)
        #expect(reply.verdict == .error)
        node.measurements = nil
        for bank in node.values.banks.keys { node.values.set(.zero(bank), bank: bank, index: PCRIndex.all[10]) }
        node.clock.clock += 10
        let off = try await bench.attest(node)
        #expect(off.verdict == .fail)
        #expect(try await result(off, bench).reasons == ["IMA_NOT_ACTIVE"])
    }
}

extension VerifierTestBench {
    /// Makes a document the active set, past every approval.
    func activate(_ document: [UInt8], version: Int = 1) async throws {
        try await store.write { tx in
            if var old = try tx.activeReference(group: "default") {
                old.status = .retired
                try tx.save(old)
            }
            try tx.save(
                ReferenceRecord(
                    name: "golden", version: version, status: .active, group: "default", document: document,
                    documentSHA256: Array(SHA256.hash(data: document)), layers: [], createdBy: "a", proposedBy: "a",
                    proposedByKeySHA256: "1", approvedBy: "b", approvedByKeySHA256: "2", labMode: false, note: nil,
                    createdAtMilliseconds: tx.now, validUntilMilliseconds: nil))
        }
    }
}

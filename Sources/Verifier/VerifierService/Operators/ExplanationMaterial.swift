internal import Appraisal
internal import AttestationMessages
internal import JSONCoding
internal import ReferenceValues
internal import TCGEventLog
internal import TPMStructures

/// Everything stored that explains a node's state, read in one snapshot; ``view()`` does the work on it afterwards.
struct ExplanationMaterial: Sendable {
    private let nodeID: NodeID
    private let verdict: VerdictRecord?
    private let verdictToClear: String?
    private let lastGood: VerdictRecord?
    private let brokenSince: VerdictSummary?
    private let logs: (good: [UInt8]?, bad: [UInt8]?)
    private let decisive: [Finding]
    private let candidates: [VerdictRecord]
    private let lastReboot: RebootView?
    private let peers: PeerNotice?
    private let plan: PlanNodeView?

    static let maximumNodes = 32
    static let maximumChanges = 200
    /// Of one log. Real machines measure a few hundred; what a node can make up must not cost the verifier minutes.
    static let maximumEvents = 4_096
    private static let maximumDecisive = 4
    private static let maximumText = 512

    /// - Parameter other: the verdict to compare with; nil for the last pass before the explained one.
    /// - Throws: ``ServiceError`` `API_UNKNOWN` for a verdict that is not the node's.
    init(_ node: NodeRecord, comparingWith other: String?, _ snapshot: any StoreSnapshot) throws {
        nodeID = node.nodeID
        verdictToClear = node.standing == .failed ? node.failedVerdictID : nil
        let state = try snapshot.identity(node.identityID).flatMap {
            try snapshot.attestationState(akName: $0.akName)
        }
        let last = try state?.lastVerdictID.flatMap { try snapshot.verdict($0) }
        let standing =
            node.standing == .failed && last?.verdict != .fail
            ? try node.failedVerdictID.flatMap { try snapshot.verdict($0) } : nil
        let subject = standing ?? last
        verdict = subject
        let pass = try subject.flatMap { try snapshot.lastPass(of: node.nodeID, before: $0.verdictID) }
        if let other {
            guard let named = try snapshot.verdict(other), named.nodeID == node.nodeID else {
                throw ServiceError(.unknown, "API_UNKNOWN", "\(node.nodeID) has no verdict \(other)")
            }
            lastGood = named
        } else {
            lastGood = pass
        }
        brokenSince =
            subject?.verdict == .pass
            ? nil : try snapshot.firstVerdict(of: node.nodeID, after: pass?.verdictID)?.summary
        let compares = subject?.verdict != .pass || other != nil
        logs =
            compares
            ? (
                try lastGood?.eventLogSHA256.flatMap { try snapshot.blob(sha256: $0) },
                try subject?.eventLogSHA256.flatMap { try snapshot.blob(sha256: $0) }
            ) : (nil, nil)
        decisive = try Self.decisive(of: subject, snapshot)
        var candidates: [VerdictRecord] = []
        for finding in decisive {
            guard let seen = finding.seen, let word = try? StrictJSON.encode([seen]) else { continue }
            candidates += try snapshot.failedVerdicts(
                except: node.nodeID, holding: Array(word.dropFirst().dropLast()), limit: 2 * Self.maximumNodes)
        }
        self.candidates = candidates
        lastReboot = try snapshot.reboots(of: node.nodeID, before: nil, limit: 1).first
        peers = try PeerNotice.current(node, snapshot)
        plan = try snapshot.plannedNode(node.nodeID).flatMap { row in try snapshot.plan(row.plan).map(row.view) }
    }

    /// What broke the first broken layer, and what was seen there.
    private static func decisive(of verdict: VerdictRecord?, _ snapshot: any StoreSnapshot) throws -> [Finding] {
        guard let verdict, verdict.verdict != .pass,
            let bytes = try verdict.result ?? verdict.sameAs.flatMap({ try snapshot.verdict($0)?.result })
        else { return [] }
        let result = try result(bytes, of: verdict.verdictID)
        let broken = result.layers.first { $0.id == result.firstBrokenLayer }?.findings ?? []
        return Array(broken.filter { $0.tier == .contraindicated && $0.seen != nil }.prefix(maximumDecisive))
    }

    private static func result(_ bytes: [UInt8], of verdict: String) throws -> AttestationResult {
        let limits = StrictJSONLimits(maxBytes: .max, maxValues: .max, allowsFractions: true)
        do { return try StrictJSON.decode(AttestationResult.self, from: bytes, limits: limits) } catch {
            throw ServiceError(.unavailable, "STORE_POISON", "the result of \(verdict): \(error)")
        }
    }

    // MARK: The work

    func view() throws -> NodeExplanationView {
        let elsewhere = try sharing()
        var comparison: JSONValue?
        var missing: String?
        do throws(Missing) { comparison = try compare() } catch { missing = error.reason }
        return NodeExplanationView(
            nodeID: nodeID, verdict: verdict?.summary, lastGood: lastGood?.summary, brokenSince: brokenSince,
            comparison: comparison, comparisonMissing: missing,
            sameElsewhere: Array(elsewhere.prefix(Self.maximumNodes)),
            sameElsewhereTruncated: elsewhere.count > Self.maximumNodes, lastReboot: lastReboot, plan: plan,
            peers: peers?.text, verdictToClear: verdictToClear)
    }

    /// Nodes whose failed verdict has a decisive finding's id with the same thing seen.
    private func sharing() throws -> [NodeID] {
        var nodes: Set<NodeID> = []
        for record in candidates where !nodes.contains(record.nodeID) {
            guard let bytes = record.result else { continue }
            let findings = try Self.result(bytes, of: record.verdictID).findings
            let isShared = decisive.contains { mine in
                findings.contains { other in
                    // "nothing was seen" is the same only where the same was expected.
                    other.tier == .contraindicated && other.id == mine.id && other.seen == mine.seen
                        && (mine.event != nil || other.expected == mine.expected)
                }
            }
            if isShared { nodes.insert(record.nodeID) }
        }
        return nodes.sorted { $0.rawValue < $1.rawValue }
    }

    private struct Missing: Error {
        var reason: String
        init(_ reason: String) { self.reason = reason }
    }

    private func compare() throws(Missing) -> JSONValue {
        guard let verdict else { throw Missing("no evidence yet") }
        guard let lastGood else {
            throw Missing(verdict.verdict == .pass ? "the node passes" : "the node never passed")
        }
        if verdict.verdict == .pass, logs.good == nil, logs.bad == nil { throw Missing("the node passes") }
        guard let good = logs.good else { throw Missing("the event log of verdict \(lastGood.verdictID) is not kept") }
        guard let bad = logs.bad else { throw Missing("the evidence of verdict \(verdict.verdictID) has no event log") }
        let comparison: BootComparison
        do {
            comparison = try BootComparison(from: Self.log(good), to: Self.log(bad))
        } catch let error as Missing { throw error } catch { throw Missing("\(error)") }
        do {
            let limits = StrictJSONLimits(maxBytes: .max, maxValues: .max, allowsFractions: true)
            return try StrictJSON.decode(
                JSONValue.self, from: StrictJSON.encode(ComparisonDocument(comparison)), limits: limits)
        } catch { throw Missing("\(error)") }
    }

    private static func log(_ bytes: [UInt8]) throws -> TCGEventLog {
        let log = try TCGEventLog(parsing: bytes)
        guard log.events.count <= maximumEvents else {
            throw Missing(
                "a log of \(log.events.count) events is not compared here; use bootgate inspect eventlog --diff")
        }
        return log
    }

    /// The members of `bootgate inspect eventlog --diff -o json`, bounded.
    private struct ComparisonDocument: Encodable {
        var same: Bool
        var bank: String
        var changedRegisters: [Int]
        var causes: [BootChangeCause]
        var changes: [BootChange]
        /// Before the list was cut.
        var changeCount: Int

        init(_ comparison: BootComparison) {
            same = comparison.isSame
            bank = comparison.bank.name
            changedRegisters = comparison.changedRegisters.map { Int($0.rawValue) }
            changeCount = comparison.changes.count
            changes = comparison.changes.prefix(maximumChanges).map { change in
                var change = change
                change.name = Self.cut(change.name)
                change.details = change.details.map(Self.cut)
                change.before = change.before.map(Self.cut)
                change.after = change.after.map(Self.cut)
                return change
            }
            causes = comparison.causes.map { cause in
                var cause = cause
                cause.changes.removeAll { $0 >= maximumChanges }
                return cause
            }
        }

        private static func cut(_ event: ComparedEvent) -> ComparedEvent {
            var event = event
            event.description = cut(event.description)
            return event
        }

        private static func cut(_ text: String) -> String {
            text.count <= maximumText ? text : text.prefix(maximumText) + "…"
        }
    }
}

import AttestationMessages
import AttestationTestKit
import Foundation
import JSONCoding
import TPMCryptography
import TPMStructures

/// What a node's kernel measured: the list, and PCR 10 as it left it.
struct SimulatedList: Sendable {
    let bytes: [UInt8]
    let registers: [PCRBank: TPMStructures.Digest]
    /// `sha256:<hex> /path` of every file in it.
    let files: [String]

    /// - Parameters:
    ///   - entries: files that were run, beside the boot aggregate.
    ///   - distinct: different ones among them.
    init(entries: Int, distinct: Int, boot: PCRValues, banks: Set<PCRBank>) {
        var list = IMAListBuilder()
        list.addBootAggregate(boot)
        let paths = (0..<distinct).map { "/usr/lib/programs/\($0)" }
        for number in 0..<entries { list.addFile(paths[number % distinct]) }
        let finished = list
        bytes = finished.bytes
        registers = Dictionary(uniqueKeysWithValues: banks.map { ($0, finished.register($0)) })
        files = paths.map { path in
            let hex = IMAListBuilder.fileDigest(path).map { String(UInt16($0) + 256, radix: 16).dropFirst() }.joined()
            return "sha256:\(hex) \(path)"
        }
    }
}

/// AV-02: a node whose first upload is a giant list, and one that is over the cap.
struct LongList {
    let verifierProcess: Int32?
    let mostSeconds: Double?
    let mostKibibytes: Int?

    /// Attests once with the whole list, once more with nothing new, and once with a list that is too long.
    ///
    /// - Throws: where a verdict is no pass, the cap is not refused with 413, or a bar is broken.
    func run(_ node: SimulatedNode, over connection: MutualTLSConnection) async throws {
        guard let list = node.list else { return }
        let before = try memory("VmRSS:")
        try forgetPeak()
        let clock = ContinuousClock()
        var start = clock.now
        let first = try await node.attest(over: connection, pending: nil, clock: 10)
        let whole = (clock.now - start).milliseconds
        let peak = try memory("VmHWM:")
        try expectPass(first, "the first upload")
        start = clock.now
        try expectPass(
            try await node.attest(over: connection, pending: nil, clock: 20, sendsValues: false), "nothing new")
        let unchanged = (clock.now - start).milliseconds
        let refused = try await node.announce(listOf: (64 << 20) + 1, over: connection, clock: 30)
        let text = String(decoding: refused.body.prefix(300), as: UTF8.self)
        guard refused.status == 413, text.contains("EVIDENCE_SIZE") else {
            throw FleetError("a list over the cap: HTTP \(refused.status) \(text)")
        }
        print(
            "list of \(list.bytes.count) bytes, \(list.files.count) files in the references: "
                + "\(Int(whole)) ms from challenge to verdict, verifier \(before) KiB before, \(peak) KiB at most; "
                + "nothing new \(Int(unchanged)) ms; over the cap HTTP \(refused.status)")
        if let mostSeconds, whole > mostSeconds * 1000 { throw FleetError("longer than \(mostSeconds) s") }
        if let mostKibibytes, peak > mostKibibytes { throw FleetError("more than \(mostKibibytes) KiB") }
    }

    private func expectPass(_ reply: EvidenceReply, _ what: String) throws {
        guard reply.verdict == .pass else { throw FleetError("\(what): \(reply.verdict?.rawValue ?? "no verdict")") }
    }

    private func memory(_ name: String) throws -> Int {
        guard let verifierProcess else { return 0 }
        let text = try String(contentsOf: URL(filePath: "/proc/\(verifierProcess)/status"), encoding: .utf8)
        let line = text.split(separator: "\n").first { $0.hasPrefix(name) }
        return line?.split(whereSeparator: { " \t".contains($0) }).dropFirst().first.flatMap { Int($0) } ?? 0
    }

    private func forgetPeak() throws {
        guard let verifierProcess else { return }
        try Data("5".utf8).write(to: URL(filePath: "/proc/\(verifierProcess)/clear_refs"), options: [])
    }
}

import TCGEventLog
import TPMStructures

/// A log, asked whether it measured something.
struct BootPredictionLog {
    let log: TCGEventLog
    var banks: [PCRBank] { log.banks }

    init(_ bytes: [UInt8]) throws { log = try TCGEventLog(parsing: bytes) }

    func contains(_ digests: [PCRBank: Digest], pcr: UInt32) -> Bool {
        log.events.contains { event in
            event.registerIndex == pcr && event.digests.allSatisfy { digests[$0.algorithm] == $0 }
        }
    }
}

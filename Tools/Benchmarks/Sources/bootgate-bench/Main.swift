import ArgumentParser
import Crypto
import CryptoExtras
import FoundationEssentials
import TCGEventLog
import TPMCryptography
import TPMStructures

/// Prints each comparison on a line; exit code 1 when a bar is broken.
@main
struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bootgate-bench",
        abstract: "The core's hot paths beside the bare library calls they rest on, by turns in one process.")

    @Option(help: "A firmware event log; its parse and replay are measured beside the bare hashing.")
    var eventLog: [String] = []
    @Option(help: "Rounds of each comparison; the median counts.") var rounds = 41

    func run() throws {
        let upload = try firstUpload()
        var results = [try quoteP256(), try quoteRSA()]
        for path in eventLog { results.append(try eventLogReplay(path)) }
        results += try RuntimeRulesBenchmark(rounds: rounds).run()
        for count in [1000, 10_000, 100_000] { results.append(try measurementList(count)) }
        for count in [1000, 10_000, 100_000] { results.append(try judgedList(count)) }
        results.append(try unchangedList())
        for result in results { print(result.line) }
        print(upload.line)
        guard upload.holds, results.allSatisfy(\.holds) else { throw ExitCode(1) }
    }

    private func quoteP256() throws -> Comparison.Result {
        let (quote, key, signature) = try SignedQuote.p256()
        return try Comparison(name: "quote verification P-256", bareName: "bare ECDSA verify", limit: 1.3)
            .run(rounds: rounds, iterations: 100) {
                guard key.isValidSignature(signature, for: quote.attest) else { throw ExitCode(70) }
            } ours: {
                consume(try quote.verify())
            }
    }

    private func quoteRSA() throws -> Comparison.Result {
        let (quote, key, signature) = try SignedQuote.rsa()
        return try Comparison(name: "quote verification RSA-2048", bareName: "bare RSASSA verify", limit: 1.3)
            .run(rounds: rounds, iterations: 200) {
                guard key.isValidSignature(signature, for: quote.attest, padding: .insecurePKCS1v1_5) else {
                    throw ExitCode(70)
                }
            } ours: {
                consume(try quote.verify())
            }
    }

    /// The bound: SHA-256 of the log's bytes once, and of 64 bytes for each digest that is extended.
    private func eventLogReplay(_ path: String) throws -> Comparison.Result {
        let bytes = [UInt8](try Data(contentsOf: URL(filePath: path)))
        let log = try TCGEventLog(parsing: bytes)
        let extends = log.events.filter(\.isExtended).count * log.banks.count
        let block = [UInt8](repeating: 5, count: 64)
        let name = path.split(separator: "/").last.map(String.init) ?? path
        return try Comparison(
            name: "event log parse and replay, \(name) (\(bytes.count) bytes, \(extends) extends)",
            bareName: "bare SHA-256 of the same bytes and digests", limit: 4
        ).run(rounds: rounds, iterations: 20) {
            consume(MessageDigest.hash(bytes, .sha256))
            for _ in 0..<extends { consume(MessageDigest.hash(block, .sha256)) }
        } ours: {
            consume(try TCGEventLog(parsing: bytes).replay())
        }
    }
}

/// Two ways of doing the same thing, measured by turns in one process, so that both meet the same machine.
struct Comparison {
    /// What is measured, and the bar from the issue where there is one.
    var name: String
    var bareName: String
    var limit: Double?

    struct Result {
        var name: String
        var bareName: String
        var bareNanoseconds: Double
        var oursNanoseconds: Double
        var limit: Double?

        var ratio: Double { oursNanoseconds / bareNanoseconds }
        var holds: Bool { limit.map { ratio <= $0 } ?? true }

        var line: String {
            let bar = limit.map { " (bar \($0): \(holds ? "holds" : "BROKEN"))" } ?? ""
            return "\(name): ours \(format(oursNanoseconds)), \(bareName) \(format(bareNanoseconds)), "
                + "ratio \(Double(Int(ratio * 1000)) / 1000)\(bar)"
        }

        private func format(_ nanoseconds: Double) -> String {
            nanoseconds < 10_000 ? "\(Int(nanoseconds)) ns" : "\(Double(Int(nanoseconds / 10)) / 100) µs"
        }
    }

    /// Medians of `rounds` blocks of `iterations` calls each, bare and ours by turns, after one block of each unmeasured.
    func run(rounds: Int = 41, iterations: Int, bare: () throws -> Void, ours: () throws -> Void) rethrows -> Result {
        let clock = ContinuousClock()
        func block(_ body: () throws -> Void) rethrows -> Double {
            let start = clock.now
            for _ in 0..<iterations { try body() }
            let elapsed = (clock.now - start).components
            return (Double(elapsed.seconds) * 1e9 + Double(elapsed.attoseconds) / 1e9) / Double(iterations)
        }
        _ = try block(bare)
        _ = try block(ours)
        var bareTimes: [Double] = []
        var ourTimes: [Double] = []
        for _ in 0..<rounds {
            bareTimes.append(try block(bare))
            ourTimes.append(try block(ours))
        }
        return Result(
            name: name, bareName: bareName, bareNanoseconds: median(bareTimes), oursNanoseconds: median(ourTimes),
            limit: limit)
    }

    private func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }
}

/// Keeps the optimiser from removing a result that nobody reads.
@inline(never)
func consume<Value>(_ value: Value) {}

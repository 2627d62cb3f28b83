internal import Synchronization

/// A value taken at the moment of a scrape.
package struct Gauge: Hashable, Sendable {
    package var name: String
    package var labels: [String: String]
    package var value: Double
    package init(_ name: String, labels: [String: String] = [:], value: Double) {
        self.name = name
        self.labels = labels
        self.value = value
    }
}

/// Counters, gauges and histograms in Prometheus' text format 0.0.4.
package final class MetricsRegistry: Sendable {
    /// Upper bounds in seconds: from a cached answer to an appraisal that the peer will not wait for.
    static let buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10]

    private struct Series: Hashable {
        var name: String
        var labels: String
    }
    private struct Histogram {
        var counts = [Int](repeating: 0, count: MetricsRegistry.buckets.count + 1)
        var sum = 0.0
    }
    private struct State {
        var counters: [Series: Int] = [:]
        var gauges: [Series: Int] = [:]
        var requests: [String: [Int: Int]] = [:]
        var durations: [String: Histogram] = [:]
    }

    private let state = Mutex(State())

    package init() {}

    package func count(_ name: String, _ labels: KeyValuePairs<String, String> = [:]) {
        let series = Series(name: name, labels: Self.text(labels.map { ($0.key, $0.value) }))
        state.withLock { $0.counters[series, default: 0] += 1 }
    }

    package func change(_ name: String, _ labels: KeyValuePairs<String, String>, by delta: Int) {
        let series = Series(name: name, labels: Self.text(labels.map { ($0.key, $0.value) }))
        state.withLock { $0.gauges[series, default: 0] += delta }
    }

    /// One answered request; kept apart from ``count(_:_:)`` because it runs on every request.
    func request(_ route: String, status: Int, seconds: Double) {
        let bucket = Self.buckets.firstIndex { seconds <= $0 } ?? Self.buckets.count
        state.withLock { state in
            state.requests[route, default: [:]][status, default: 0] += 1
            state.durations[route, default: Histogram()].counts[bucket] += 1
            state.durations[route, default: Histogram()].sum += seconds
        }
    }

    func refusal(_ code: String) { count(MetricNames.refusals, ["code": code]) }

    /// The whole exposition.
    package func text(gauges scraped: [Gauge]) -> String {
        let state = self.state.withLock { $0 }
        var families: [String: (kind: String, lines: [String])] = [:]
        func add(_ name: String, _ kind: String, _ lines: [String]) {
            families[name, default: (kind, [])].lines += lines
        }
        for (series, value) in state.counters {
            add(series.name, "counter", ["\(series.name)\(series.labels) \(value)"])
        }
        for (series, value) in state.gauges { add(series.name, "gauge", ["\(series.name)\(series.labels) \(value)"]) }
        for gauge in scraped {
            let labels = Self.text(gauge.labels.sorted { $0.key < $1.key })
            add(gauge.name, "gauge", ["\(gauge.name)\(labels) \(gauge.value)"])
        }
        for (route, statuses) in state.requests {
            add(
                MetricNames.requests, "counter",
                statuses.map { status, value in
                    "\(MetricNames.requests)\(Self.text([("route", route), ("status", "\(status)")])) \(value)"
                })
        }
        for (route, histogram) in state.durations {
            add(MetricNames.requestSeconds, "histogram", Self.lines(route, histogram))
        }
        var text = ""
        for (name, family) in families.sorted(by: { $0.key < $1.key }) {
            text += "# HELP \(name) \(MetricNames.help[name] ?? name)\n# TYPE \(name) \(family.kind)\n"
            // A histogram's buckets must keep their order.
            let lines = family.kind == "histogram" ? family.lines : family.lines.sorted()
            text += lines.map { $0 + "\n" }.joined()
        }
        return text
    }

    private static func lines(_ route: String, _ histogram: Histogram) -> [String] {
        let name = MetricNames.requestSeconds
        var total = 0
        var lines: [String] = []
        for (bound, count) in zip(buckets.map { "\($0)" } + ["+Inf"], histogram.counts) {
            total += count
            lines.append("\(name)_bucket\(text([("route", route), ("le", bound)])) \(total)")
        }
        lines.append("\(name)_sum\(text([("route", route)])) \(histogram.sum)")
        lines.append("\(name)_count\(text([("route", route)])) \(total)")
        return lines
    }

    private static func text(_ labels: [(String, String)]) -> String {
        guard !labels.isEmpty else { return "" }
        let pairs = labels.map { key, value in
            let escaped = value.reduce(into: "") { text, character in
                switch character {
                case "\\": text += "\\\\"
                case "\"": text += "\\\""
                case "\n": text += "\\n"
                default: text.append(character)
                }
            }
            return "\(key)=\"\(escaped)\""
        }
        return "{" + pairs.joined(separator: ",") + "}"
    }

    private static func text(_ labels: [Dictionary<String, String>.Element]) -> String {
        text(labels.map { ($0.key, $0.value) })
    }
}

import AssetFingerprints
import Testing

@Suite("Fingerprint reports")
struct FingerprintReportTests {
    static let ports = [
        ListeningPort(
            protocol: .udp, address: "::", port: 65_535, process: "d\"n\\s\u{1}", executable: "", user: "1000"),
        ListeningPort(
            protocol: .tcp, address: "0.0.0.0", port: 22, process: "sshd", executable: "/usr/sbin/sshd", user: "root"),
    ]
    static let reports = [
        FingerprintReport(ports),
        FingerprintReport([
            SoftwareAsset(name: "bash", version: "5.2.15-2+b2", architecture: "amd64"),
            SoftwareAsset(name: "libstdc++6", version: "12.2.0-14", architecture: "amd64"),
        ]),
        FingerprintReport([RunningProcess(executable: "/usr/bin/bäsh (deleted)", user: "root")]),
        FingerprintReport([
            Account.user(name: "root", uid: 0, gid: 0, home: "/root", shell: "/bin/bash"),
            Account.group(name: "sudo", gid: 27, members: ["anna", "bert"]),
            Account.sudoRule(file: "/etc/sudoers", rule: "%sudo ALL=(ALL:ALL) ALL"),
        ]),
    ]

    @Test("The canonical bytes are the golden ones")
    func golden() {
        let text = """
            {"kind":"listeningPorts","version":1,"entries":[
            {"protocol":"tcp","address":"0.0.0.0","port":22,"process":"sshd","executable":"/usr/sbin/sshd","user":"root"},
            {"protocol":"udp","address":"::","port":65535,"process":"d\\"n\\\\s\\u0001","executable":"","user":"1000"}
            ]}

            """
        #expect(String(decoding: Self.reports[0].canonicalBytes, as: UTF8.self) == text)
        #expect(
            String(decoding: FingerprintReport([RunningProcess]()).canonicalBytes, as: UTF8.self)
                == "{\"kind\":\"runningProcesses\",\"version\":1,\"entries\":[]}\n")
    }

    @Test("Order and repetition do not change the bytes")
    func canonical() {
        #expect(
            FingerprintReport(Self.ports.reversed() + Self.ports).canonicalBytes == Self.reports[0].canonicalBytes)
    }

    @Test("Texts that are canonically equivalent but not equal stay two entries")
    func unicode() {
        let composed = RunningProcess(executable: "/\u{E9}", user: "a")
        let decomposed = RunningProcess(executable: "/e\u{301}", user: "a")
        let report = FingerprintReport([composed, decomposed])
        #expect(report.keyedLines.count == 2)
        #expect(FingerprintReport([composed]).differences(to: FingerprintReport([decomposed])).count == 2)
    }

    @Test("Reports come back from their bytes", arguments: reports)
    func roundTrip(report: FingerprintReport) throws {
        #expect(try FingerprintReport(canonicalBytes: report.canonicalBytes, kind: report.kind) == report)
    }

    @Test("Every proper prefix, every trailing byte and the wrong kind are refused", arguments: reports)
    func boundaries(report: FingerprintReport) {
        let bytes = report.canonicalBytes
        for count in 0..<bytes.count {
            #expect(throws: FingerprintError.self) {
                try FingerprintReport(canonicalBytes: Array(bytes.prefix(count)), kind: report.kind)
            }
        }
        for extra: UInt8 in [0, 0x0A, 0x20, UInt8(ascii: "}")] {
            #expect(throws: FingerprintError.self) {
                try FingerprintReport(canonicalBytes: bytes + [extra], kind: report.kind)
            }
        }
        for kind in FingerprintKind.allCases where kind != report.kind {
            #expect(throws: FingerprintError.self) { try FingerprintReport(canonicalBytes: bytes, kind: kind) }
        }
    }

    @Test("AG-04: no flipped bit of a report reads as the same report", arguments: reports)
    func flippedBits(report: FingerprintReport) {
        for index in report.canonicalBytes.indices {
            for bit in 0..<8 {
                var bytes = report.canonicalBytes
                bytes[index] ^= 1 << UInt8(bit)
                let read = try? FingerprintReport(canonicalBytes: bytes, kind: report.kind)
                #expect(read != report)
            }
        }
    }

    @Test(
        "Other spellings of the same content are refused",
        arguments: [
            ("{\"kind\":\"runningProcesses\",\"version\":1,\"entries\":[ ]}\n", "blank"),
            ("{\"version\":1,\"kind\":\"runningProcesses\",\"entries\":[]}\n", "order"),
            ("{\"kind\":\"runningProcesses\",\"version\":1,\"entries\":[],\"more\":1}\n", "member"),
            ("{\"kind\":\"runningProcesses\",\"version\":2,\"entries\":[]}\n", "version"),
            ("{\"kind\":\"runningProcesses\",\"version\":1.0,\"entries\":[]}\n", "fraction"),
            ("{\"kind\":\"runningProcesses\",\"kind\":\"runningProcesses\",\"version\":1,\"entries\":[]}\n", "twice"),
            (
                "{\"kind\":\"runningProcesses\",\"version\":1,\"entries\":[\n{\"executable\":\"\\u0062\",\"user\":\"a\"}\n]}\n",
                "escape"
            ),
            (
                "{\"kind\":\"runningProcesses\",\"version\":1,\"entries\":[\n{\"executable\":\"b\",\"user\":\"a\"},\n"
                    + "{\"executable\":\"b\",\"user\":\"a\"}\n]}\n", "repetition"
            ),
        ])
    func spellings(text: String, what: String) {
        #expect(throws: FingerprintError.self, "\(what)") {
            try FingerprintReport(canonicalBytes: Array(text.utf8), kind: .runningProcesses)
        }
    }

    @Test("Numbers outside their range and unknown values are refused")
    func ranges() {
        for (from, to) in [("65535", "65536"), ("65535", "-1"), ("\"udp\"", "\"sctp\"")] {
            let text = String(decoding: Self.reports[0].canonicalBytes, as: UTF8.self)
            let changed = text.split(separator: from, omittingEmptySubsequences: false).joined(separator: to)
            #expect(throws: FingerprintError.self) {
                try FingerprintReport(canonicalBytes: Array(changed.utf8), kind: .listeningPorts)
            }
        }
        let accounts = String(decoding: Self.reports[3].canonicalBytes, as: UTF8.self)
        let changed = accounts.split(separator: "\"group\"").joined(separator: "\"robot\"")
        #expect(throws: FingerprintError.self) {
            try FingerprintReport(canonicalBytes: Array(changed.utf8), kind: .accounts)
        }
    }

    @Test("A report over the size limit is refused before it is read")
    func tooLarge() {
        let bytes = [UInt8](repeating: 0x20, count: FingerprintReport.maxBytes + 1)
        #expect(
            throws: FingerprintError.tooLarge(
                what: "bytes", count: bytes.count, limit: FingerprintReport.maxBytes)
        ) { try FingerprintReport(canonicalBytes: bytes, kind: .accounts) }
    }

    @Test("The capture document has the four lists")
    func capture() {
        let text = String(decoding: FingerprintReport.captureDocument(Self.reports), as: UTF8.self)
        #expect(text.hasPrefix("{\"listeningPorts\":[\n{\"protocol\":\"tcp\""))
        #expect(text.contains("],\n\"softwareAssets\":[") && text.contains("],\n\"runningProcesses\":["))
        #expect(text.contains("],\n\"accounts\":[") && text.hasSuffix("\n]}\n"))
    }
}

import Foundation
import SecurityEvents
import Testing

/// What an attacker would put into a name.
let hostileStrings: [String] = [
    "a|b", "a=b", "a\\b", "\\", "\\\\", "\\|", "\\=", "a\\nb", "line\nfeed", "carriage\rreturn", "\r\n<34>1 forged",
    "]", "\"", "\\\"", "\\]", "\"]", "] [x@1 a=\"b\"]", "\"] <0>1 - - - - - -", "CEF:0|x|y|z|1|n|10|",
    "msg=x outcome=y",
    " leading", "trailing ", " key=value", "severity=critical", "%n", "%s%n%x", "${jndi:ldap://x/a}", "{{7*7}}",
    "$(reboot)",
    "`id`", "=cmd|' /C calc'!A0", "+1", "-1", "@SUM(1)", "\u{1b}[2J", "\u{1b}]0;t\u{7}", "nul\u{0}byte",
    "\u{2028}\u{2029}",
    "\u{202e}gnp.exe", "ÄÖ漢字🚀", "{\"a\":1}", "</script>", "1 <34>1 2026", "é\u{301}", "",
]
let allBytes = (0...255).map { SecurityEventText.text(ofUntrusted: [UInt8($0)]) }

func event(_ id: String = "NODE_UNTRUSTED", text: String, severity: SecurityEventSeverity = .high) -> SecurityEvent {
    SecurityEvent(
        uniqueID: "id-1", sequence: 7, eventID: id, severity: severity, outcome: "failure",
        atMilliseconds: 1_770_091_506_789, node: text, site: text, actor: text, message: text,
        fields: ["seen": text, "b": "x"])
}

@Suite struct SecurityEventEncodingTests {
    let syslog = SyslogEncoder(hostname: "verifier.example", processID: "1", productVersion: "1.0", body: .cef)

    @Test("SO-01: every byte value and 40 hostile strings come back from a CEF parser, as one event")
    func cef() throws {
        for text in allBytes + hostileStrings {
            let parsed = try SinkParsers.cef(CEFEncoder.encode(event(text: text), productVersion: "1|0\\"))
            #expect(
                parsed.header[1...] == [
                    "Bootgate", "bootgate-verifier", "1|0\\", "NODE_UNTRUSTED", "Node untrusted", "8",
                ])
            // Line feed and carriage return have an escape; the other controls come back in their printable form.
            let expected = text.unicodeScalars.map { scalar in
                scalar == "\n" || scalar == "\r" ? String(scalar) : SecurityEventText.printable(String(scalar))
            }.joined()
            for key in ["dhost", "bootgateSite", "suser", "msg", "bootgate.seen"] {
                #expect(parsed.extensions[key] == expected, "\(key) of \(text.debugDescription)")
            }
            #expect(parsed.extensions["outcome"] == "failure")
            #expect(parsed.extensions["externalId"] == "id-1")
        }
    }

    @Test("SO-02: every byte value, 40 hostile strings and a 70 kB value stay inside one frame and one parameter")
    func frames() throws {
        for body in SyslogEncoder.Body.allCases {
            var encoder = syslog
            encoder.body = body
            let texts = allBytes + hostileStrings + [String(repeating: "]\"\\\n", count: 17_500)]
            let stream = texts.flatMap { encoder.frame(event(text: $0)) }
            #expect(!stream.contains(0x0A))
            let frames = try SinkParsers.frames(stream)
            #expect(frames.count == texts.count)
            for (text, frame) in zip(texts, frames) {
                #expect(frame.count <= 8_192)
                let parsed = try SinkParsers.syslog(frame)
                #expect(parsed.parameters["id"] == "id-1")
                #expect(parsed.parameters["severity"] == "high")
                if text.utf8.count < 100 {
                    #expect(parsed.parameters["node"] == SecurityEventText.printable(text))
                } else {
                    #expect(parsed.parameters["node"]?.hasSuffix(" bytes]") == true)
                }
            }
        }
    }

    @Test("SO-03: an event of any bytes is one valid line of JSON and its text comes back exactly")
    func jsonLines() throws {
        let everything = SecurityEventText.text(ofUntrusted: Array(0...255))
        for text in allBytes + hostileStrings + [everything] {
            let line = JSONLineEncoder.encode(event(text: text))
            #expect(!line.contains { $0 < 0x20 || $0 == 0x7F })
            #expect(
                !String(decoding: line, as: UTF8.self).unicodeScalars.contains {
                    [0x85, 0x2028, 0x2029].contains($0.value)
                })
            let object = try #require(try JSONSerialization.jsonObject(with: Data(line)) as? [String: Any])
            #expect((object["message"] as? String)?.unicodeScalars.elementsEqual(text.unicodeScalars) == true)
            #expect(
                ((object["fields"] as? [String: String])?["seen"])?.unicodeScalars.elementsEqual(text.unicodeScalars)
                    == true)
        }
        #expect(everything.contains("\\x80"), "a byte that is no UTF-8 is shown in hex")
    }

    @Test("SO-02: a 70 kB value and 2,000 fields are cut, and the cut is stated")
    func cuts() throws {
        var long = event(text: String(repeating: "x", count: 70_000))
        for number in 0..<2_000 { long.fields["f\(number)"] = String(repeating: "=", count: 900) }
        let line = JSONLineEncoder.encode(long)
        #expect(line.count <= SecurityEventLimits.file.totalBytes)
        let object = try #require(try JSONSerialization.jsonObject(with: Data(line)) as? [String: Any])
        #expect((object["message"] as? String)?.hasSuffix("…[cut 65904 bytes]") == true)
        #expect((object["fieldsCut"] as? Int ?? 0) > 1_900)
        let cef = try SinkParsers.cef(CEFEncoder.encode(long, productVersion: "1"))
        #expect(Int(cef.extensions["bootgate.fieldsCut"] ?? "") ?? 0 > 1_900)
        #expect(syslog.message(long).count <= SecurityEventLimits.syslog.totalBytes)
    }

    @Test(
        "SO-10: severity, time and id are the verifier's, whatever the text says",
        arguments: SecurityEventSeverity.allCases)
    func verifiersFields(severity: SecurityEventSeverity) throws {
        for text in hostileStrings {
            let event = event("ADM_STALE", text: text, severity: severity)
            let message = try SinkParsers.syslog(syslog.message(event))
            #expect(message.priority == 13 * 8 + SyslogEncoder.severity(severity))
            #expect(
                message.header == [
                    "2026-02-03T04:05:06.789Z", "verifier.example", "bootgate-verifier", "1", "ADM_STALE",
                ])
            #expect(try SinkParsers.cef(message.message).header[6] == String(CEFEncoder.severity(severity)))
        }
        #expect(SecurityEventSeverity.allCases.map(SyslogEncoder.severity) == [6, 5, 4, 3, 2])
        #expect(SecurityEventSeverity.allCases.map(CEFEncoder.severity) == [1, 3, 5, 8, 10])
    }

    @Test("SO-10: a cell that a spreadsheet would run is prefixed, and every cell is quoted")
    func csv() {
        #expect(
            CSVEncoder.line(["=cmd|' /C calc'!A0", "+1", "-1", "@x", "a\"b", "c\nd", "%n", "${jndi:x}"])
                == "\"'=cmd|' /C calc'!A0\",\"'+1\",\"'-1\",\"'@x\",\"a\"\"b\",\"c\\x0ad\",\"%n\",\"${jndi:x}\"")
    }

    @Test("Times are UTC with milliseconds, before and after 1970, in leap years and at the ends of the range")
    func times() {
        #expect(SecurityEventTime.text(0) == "1970-01-01T00:00:00.000Z")
        #expect(SecurityEventTime.text(-1) == "1969-12-31T23:59:59.999Z")
        #expect(SecurityEventTime.text(951_782_400_000) == "2000-02-29T00:00:00.000Z")
        #expect(SecurityEventTime.text(4_107_542_399_999) == "2100-02-28T23:59:59.999Z")
        #expect(SecurityEventTime.text(4_107_542_400_000) == "2100-03-01T00:00:00.000Z")
        #expect(SecurityEventTime.text(.max) == "9999-12-31T23:59:59.999Z")
        #expect(SecurityEventTime.text(.min) == "0001-01-01T00:00:00.000Z")
    }

    @Test("Every id of the table is a MSGID, is there once, and says what to do next")
    func table() {
        for (id, entry) in SecurityEventCatalogue.entries {
            #expect(id == entry.eventID && id.utf8.count <= 32)
            #expect(id.utf8.allSatisfy { (0x41...0x5A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x5F })
            #expect(!entry.title.isEmpty && !entry.nextStep.isEmpty)
        }
        #expect(SecurityEventCatalogue.severity("ID_EK_MISMATCH") == .critical)
        #expect(SecurityEventCatalogue.severity("REF_CONTENT_CHANGED") == .critical)
        #expect(SecurityEventCatalogue.severity("QUOTE_NONCE_EXPIRED") == .low)
        #expect(SecurityEventCatalogue.severity("never heard of") == .medium)
    }
}

import AssetFingerprints
import AttestationMessages
import JSONCoding
import Testing

@Suite("Names and documents that travel")
struct DocumentTests {
    @Test(
        "ID-23: a node id of other bytes, of no byte or of 64 is none",
        arguments: [
            "", "-a", "A", "edge_01", "edge.01", "edge 01", "edge-01\n", "edge-01\u{0}", "../edge", "édge",
            "\u{430}dge",
            String(repeating: "a", count: 64),
        ])
    func refusedNodeIDs(_ text: String) throws {
        #expect(NodeID(text) == nil)
        let quoted = try StrictJSON.encode([text])
        #expect(throws: StrictJSONError.self) { try StrictJSON.decode([NodeID].self, from: quoted) }
    }

    @Test("ID-23: a node id of 1 to 63 bytes is taken as it is", arguments: ["a", "0", "edge-01", "a-", "9--9"])
    func acceptedNodeIDs(_ text: String) {
        #expect(NodeID(text)?.rawValue == text)
        #expect(NodeID(String(repeating: "z", count: 63)) != nil)
    }

    @Test("Bytes travel as base64url without padding, and in no other form")
    func wireBytes() throws {
        let bytes = WireBytes([0xFB, 0xEF, 0xFF, 0x00])
        #expect(try StrictJSON.encode([bytes]) == Array(#"["--__AA"]"#.utf8))
        #expect(try StrictJSON.decode([WireBytes].self, from: Array(#"["--__AA"]"#.utf8)) == [bytes])
        for other in ["++//AA", "--__AA==", "--__A", "--__AB", "-- __AA"] {
            #expect(throws: StrictJSONError.self, "\(other)") {
                try StrictJSON.decode([WireBytes].self, from: Array("[\"\(other)\"]".utf8))
            }
        }
    }

    @Test("A JSON value inside a document keeps its kind, also at the ends of the integers")
    func jsonValues() throws {
        let text = #"{"a":[null,true,-9223372036854775808,9223372036854775807,"1",{}]}"#
        let value = try StrictJSON.decode(JSONValue.self, from: Array(text.utf8))
        #expect(
            value
                == .object([
                    "a": .array([
                        .null, .bool(true), .integer(.min), .integer(.max), .string("1"), .object([:]),
                    ])
                ]))
        #expect(try StrictJSON.decode(JSONValue.self, from: StrictJSON.encode(value)) == value)
    }

    private static let bundle = EvidenceBundle(
        agentVersion: "1", nonce: WireBytes([1]), quote: WireBytes([2]), signature: WireBytes([3]),
        akPublic: WireBytes([4]), pcrs: ["sha256": ["0": "00"]], eventLog: nil,
        fingerprints: [.accounts: WireBytes([5])])

    @Test("An evidence bundle comes back as it was written")
    func bundleRoundTrip() throws {
        #expect(try EvidenceBundle(parsing: Self.bundle.encoded()) == Self.bundle)
    }

    @Test("An evidence bundle of another format, with an unknown key, a trailing byte or cut anywhere is refused")
    func refusedBundles() throws {
        var other = Self.bundle
        other.format = "bootgate-evidence-bundle/v2"
        let error = #expect(throws: StrictJSONError.self) { try EvidenceBundle(parsing: other.encoded()) }
        #expect(error?.path == "format")
        let bytes = try Self.bundle.encoded()
        #expect(throws: StrictJSONError.self) { try EvidenceBundle(parsing: bytes + Array("x".utf8)) }
        let extra = Array(#"{"extra":1,"#.utf8) + bytes.dropFirst()
        #expect(throws: StrictJSONError.self) { try EvidenceBundle(parsing: extra) }
        for count in 0..<(bytes.count - 2) {
            #expect(throws: StrictJSONError.self) { try EvidenceBundle(parsing: Array(bytes.prefix(count))) }
        }
    }
}

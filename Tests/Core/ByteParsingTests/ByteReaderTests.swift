import ByteParsing
import Testing

@Suite struct ByteReaderTests {
    @Test("Integers are read in the byte order that is asked for")
    func integers() throws {
        let bytes: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
        var reader = ByteReader(bytes.span)
        #expect(try reader.readBigEndian(UInt16.self, "a") == 0x0102)
        #expect(try reader.readLittleEndian(UInt32.self, "b") == 0x0605_0403)
        let inferred: UInt8 = try reader.readBigEndian("c")
        #expect(inferred == 7)
        #expect(reader.readRemaining() == [8, 9, 10])
        try reader.expectEnd("d")
    }

    @Test("A read past the end says what was needed, what is left and where, and does not move")
    func truncated() {
        let bytes: [UInt8] = [1, 2, 3]
        var reader = ByteReader(bytes.span, baseOffset: 100)
        do throws(ParsingError) {
            try reader.skip(1, "x")
            _ = try reader.readBytes(3, "field")
            Issue.record("three of two bytes were read")
        } catch {
            #expect(error == ParsingError(field: "field", offset: 101, problem: .truncated(needed: 3, remaining: 2)))
        }
        #expect(reader.offset == 101)
    }

    @Test("A negative count is refused and does not trap")
    func negative() {
        let bytes: [UInt8] = [1]
        var reader = ByteReader(bytes.span)
        var refused = false
        do throws(ParsingError) { _ = try reader.readBytes(-1, "n") } catch { refused = true }
        #expect(refused)
    }

    @Test("A sized structure must consume its declared size, and its offsets count from the whole input")
    func sized() {
        let bytes: [UInt8] = [0, 0, 9, 9]
        var reader = ByteReader(bytes.span)
        var found: ParsingError?
        do throws(ParsingError) {
            try reader.skip(2, "head")
            try reader.readSized(2, "body") { slice throws(ParsingError) in _ = try slice.readUInt8("inner") }
        } catch { found = error }
        #expect(found == ParsingError(field: "body", offset: 3, problem: .trailingBytes(count: 1)))
    }
}

@Suite struct EncodingTests {
    @Test("Hexadecimal refuses odd counts and foreign characters", arguments: ["0", "0g", "0x", "-1"])
    func badHex(text: String) { #expect(Hex.decode(text) == nil) }

    @Test("Base64url has exactly one text for one byte string", arguments: ["AA==", "A", "AB", "A+", "AA\n"])
    func badBase64URL(text: String) { #expect(Base64URL.decode(text) == nil) }

    @Test("Encodings give back what they were given", arguments: 0..<70)
    func roundTrip(count: Int) throws {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ 200) }
        #expect(Hex.decode(Hex.encode(bytes)) == bytes)
        #expect(Base64URL.decode(Base64URL.encode(bytes)) == bytes)
        #expect(try PEM.blocks(PEM.encode(bytes, label: "X"), label: "X") == [bytes])
    }

    @Test(
        "A broken PEM block is refused",
        arguments: [
            "-----BEGIN X-----\nAAAA\n", "-----BEGIN X-----\nAA\n-----END X-----\n",
            "-----BEGIN X-----\nAAAA\n-----END Y-----\n", "-----BEGIN X-----\n-----BEGIN X-----\n-----END X-----\n",
            "-----BEGIN X-----\nAA-_\n-----END X-----\n",
        ])
    func brokenPEM(text: String) {
        #expect(throws: ParsingError.self) { try PEM.blocks(text, label: "X") }
    }

    @Test("PEM lines of any length are read, blocks of other labels are passed over")
    func widePEM() throws {
        let text = "note\n-----BEGIN Y-----\n??\n-----END Y-----\n-----BEGIN X-----\r\nAAEC\r\nAw==\r\n-----END X-----"
        #expect(try PEM.blocks(text, label: "X") == [[0, 1, 2, 3]])
    }
}

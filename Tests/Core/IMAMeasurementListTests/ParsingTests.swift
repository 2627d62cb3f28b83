import AttestationTestKit
import ByteParsing
import IMAMeasurementList
import TPMCryptography
import TPMStructures
import TestVectors
import Testing

@Suite("Reading measurement lists")
struct ParsingTests {
    @Test("A kernel's own binary list reads to the entries of its ASCII list, and every template digest is right")
    func goldenVector() throws {
        let entries = try read(TestVectors.golden.bytes("ima_binary"))
        let lines = try TestVectors.golden.text("ima_ascii").split(separator: "\n")
        #expect(entries.count == 54 && lines.count == 54)
        for (entry, line) in zip(entries, lines) {
            let words = line.split(separator: " ").map(String.init)
            #expect(entry.pcr.description == words[0])
            #expect(Hex.encode(entry.templateDigest) == words[1])
            #expect(entry.template?.name == words[2])
            #expect(entry.fileDigest?.description == words[3])
            #expect(entry.path == words[4])
            #expect(entry.hasListedTemplateDigest && !entry.isViolation)
        }
        let ascii = try read(TestVectors.golden.bytes("ima_ascii"))
        #expect(ascii.map(\.templateData) == entries.map(\.templateData))
        #expect(ascii.allSatisfy { $0.hasListedTemplateDigest })
    }

    /// One entry of each template, all fields filled.
    private func everyTemplate(_ builder: IMAListBuilder) -> IMAListBuilder {
        var list = builder
        let digest = IMAListBuilder.digest("sha256", [UInt8](repeating: 0xAB, count: 32))
        let typed = Array("verity:sha512:".utf8) + [0] + [UInt8](repeating: 0xCD, count: 64)
        let name = IMAListBuilder.name("/usr/bin/true")
        let signature: [UInt8] = [3, 2, 4, 1, 2, 3, 4, 0, 1, 0xFF]
        list.add("ima-ng", [digest, name])
        list.add("ima-ngv2", [typed, name])
        list.add("ima-sig", [digest, name, signature])
        list.add("ima-sig", [digest, name, []])
        list.add("ima-sigv2", [typed, name, signature])
        list.add(
            "ima-modsig", [digest, name, [], IMAListBuilder.digest("sha1", .init(repeating: 1, count: 20)), [0x30, 0]])
        list.add("ima-buf", [digest, IMAListBuilder.name("kexec-cmdline"), Array("quiet root=/dev/vda1".utf8)])
        list.add(
            "evm-sig",
            [
                digest, name, signature, IMAListBuilder.name("security.selinux"), list.integer(4), [1, 2, 3, 4],
                list.integer(1000), list.integer(100),
                list.bigEndian ? [0x81, 0xA4] : [0xA4, 0x81],
            ])
        list.add("d-ng|n-ng|sig|buf", [digest, name, signature, [9]])
        list.add("d|n", [[UInt8](repeating: 7, count: 16), name])
        let original = [UInt8](repeating: 5, count: 20) + list.field(Array("/sbin/init".utf8))
        list.entries.append(.init(template: "ima", data: original))
        return list
    }

    @Test(
        "Every template reads with all its fields, in both byte orders and with every size of template digest",
        arguments: [false, true], [HashAlgorithm.sha1, .sha256, .sha384, .sha512])
    func everyTemplate(_ bigEndian: Bool, _ algorithm: HashAlgorithm) throws {
        let list = everyTemplate(IMAListBuilder(bigEndian: bigEndian, algorithm: algorithm))
        let entries = try read(list.bytes)
        #expect(entries.map { $0.template?.name } == list.entries.map(\.template))
        #expect(entries.allSatisfy { $0.hasListedTemplateDigest })
        #expect(entries.map { $0.offset + $0.size } == list.ends)
        #expect(entries[1].fileDigest?.kind == .verity && entries[1].fileDigest?.algorithm == .sha512)
        #expect(entries[2].fileSignature?.first == 3 && entries[3].fileSignature == nil)
        #expect(entries[5].modsigDigest?.description == "sha1:" + String(repeating: "01", count: 20))
        #expect(entries[5].modsig.map(Array.init) == [0x30, 0])
        #expect(entries[6].buffer.map(Array.init) == Array("quiet root=/dev/vda1".utf8))
        #expect(entries[7].integer(.iuid) == 1000 && entries[7].integer(.igid) == 100)
        #expect(entries[7].integer(.imode) == 0o100644 && entries[7].evmSignature?.count == 10)
        #expect(entries[9].fileDigestAlgorithm == .md5)
        #expect(entries[10].path == "/sbin/init" && entries[10].fileDigest?.algorithm == .sha1)
    }

    @Test("The pieces in which a list comes change nothing, down to single bytes")
    func pieces() throws {
        let list = everyTemplate(IMAListBuilder(algorithm: .sha256))
        let whole = try read(list.bytes)
        for size in [1, 2, 7, 64, 127, 128, 335, 336, 1000] {
            #expect(try read(list.bytes, by: size) == whole, "\(size)")
        }
        let ascii = try TestVectors.golden.bytes("ima_ascii")
        let lines = try read(ascii)
        for size in [1, 13, 160, 4096] { #expect(try read(ascii, by: size) == lines, "\(size)") }
        // The last line's newline may be missing.
        #expect(try read(Array(ascii.dropLast())).map(\.templateData) == lines.map(\.templateData))
    }

    @Test("Every proper prefix of a list is refused, except where an entry ends, and so is a byte behind it")
    func prefixes() throws {
        let list = everyTemplate(IMAListBuilder())
        let ends = Set(list.ends + [0])
        let bytes = list.bytes
        for count in 0..<bytes.count {
            let prefix = Array(bytes[..<count])
            if ends.contains(count) {
                #expect((try? read(prefix)) != nil, "\(count)")
            } else {
                let error = #expect(throws: IMAListError.self, "\(count)") { try read(prefix) }
                #expect((error?.offset ?? -1) <= count && error?.reason == .template)
            }
        }
        let error = #expect(throws: IMAListError.self) { try read(bytes + [0x0A]) }
        #expect(error?.offset == bytes.count && error?.entry == list.entries.count)
    }

    @Test("IM-04: lying lengths, at zero, one more, and 2^31, are refused with field, offset and limit")
    func lengths() throws {
        let honest = IMAListBuilder.honest(2)
        for value in [0, 5, 7, 256, 1 << 31, .max] as [UInt32] {
            var list = honest
            list.entries[1].statedNameSize = value
            #expect(throws: IMAListError.self, "name \(value)") { try read(list.bytes) }
        }
        let size = UInt32(honest.entries[1].data.count)
        for value in [0, 1, size - 1, size + 1, 1 << 20, (1 << 20) + 1, 1 << 31, .max] {
            var list = honest
            list.entries[1].statedDataSize = value
            let error = #expect(throws: IMAListError.self, "data \(value)") { try read(list.bytes) }
            #expect(error?.entry == 1)
        }
        // Each field's own length.
        for (place, name) in [(0, "d-ng"), (44, "n-ng")] {
            let stated = honest.entries[1].data[place]
            for value in [0, UInt32(stated) - 1, UInt32(stated) + 1, 1 << 31, .max] as [UInt32] {
                var list = honest
                list.entries[1].data.replaceSubrange(place..<place + 4, with: list.integer(value))
                let error = #expect(throws: IMAListError.self, "\(name) \(value)") { try read(list.bytes) }
                #expect(error?.entry == 1 && error?.field.isEmpty == false)
            }
        }
    }

    @Test(
        "IM-04: digests without colon, NUL, known algorithm or their whole length, and names without their one NUL, are refused"
    )
    func fields() throws {
        let digest = [UInt8](repeating: 0xAB, count: 32)
        let name = IMAListBuilder.name("/bin/ls")
        let cases: [(String, String, [[UInt8]])] = [
            ("no colon", "ima-ng", [Array("sha256".utf8) + [0] + digest, name]),
            ("no NUL", "ima-ng", [Array("sha256:".utf8) + digest, name]),
            ("unknown algorithm", "ima-ng", [IMAListBuilder.digest("sha257", digest), name]),
            ("no algorithm", "ima-ng", [IMAListBuilder.digest("", digest), name]),
            ("short digest", "ima-ng", [IMAListBuilder.digest("sha256", digest.dropLast()), name]),
            ("long digest", "ima-ng", [IMAListBuilder.digest("sha256", digest + [1]), name]),
            (
                "twenty bytes that are not zero", "ima-ng",
                [IMAListBuilder.digest("sha256", Array(digest.prefix(20))), name]
            ),
            ("a type in the first version", "ima-ng", [Array("ima:sha256:".utf8) + [0] + digest, name]),
            ("verity in the first version", "ima-ng", [Array("verity:sha256:".utf8) + [0] + digest, name]),
            ("no type in the second version", "ima-ngv2", [IMAListBuilder.digest("sha256", digest), name]),
            ("unknown type", "ima-ngv2", [Array("evil:sha256:".utf8) + [0] + digest, name]),
            ("no NUL behind the name", "ima-ng", [IMAListBuilder.digest("sha256", digest), name.dropLast()]),
            ("NUL inside the name", "ima-ng", [IMAListBuilder.digest("sha256", digest), [0x2F, 0, 0x61, 0]]),
            ("empty name field", "ima-ng", [IMAListBuilder.digest("sha256", digest), []]),
            ("one field too few", "ima-sig", [IMAListBuilder.digest("sha256", digest), name]),
            ("one field too many", "ima-ng", [IMAListBuilder.digest("sha256", digest), name, [1]]),
            ("a mode of four bytes", "d-ng|imode", [IMAListBuilder.digest("sha256", digest), [0, 0, 0, 0]]),
            ("lengths of three bytes", "d-ng|xattrlengths", [IMAListBuilder.digest("sha256", digest), [0, 0, 0]]),
            (
                "a name over 4095 bytes", "ima-ng",
                [IMAListBuilder.digest("sha256", digest), .init(repeating: 0x61, count: 4096) + [0]]
            ),
            (
                "a short name of 256 bytes", "d|n",
                [.init(repeating: 1, count: 20), .init(repeating: 0x61, count: 256) + [0]]
            ),
        ]
        for (what, template, fields) in cases {
            var list = IMAListBuilder.honest(1)
            list.add(template, fields)
            let error = #expect(throws: IMAListError.self, "\(what)") { try read(list.bytes) }
            #expect(error?.entry == 2 && (error?.offset ?? 0) > list.ends[1], "\(what)")
        }
        var longest = IMAListBuilder.honest(1)
        longest.addFile("/" + String(repeating: "a", count: 4094))
        longest.addFile("/" + String(repeating: "b", count: 299))
        longest.add("d|n", [.init(repeating: 1, count: 20), .init(repeating: 0x61, count: 255) + [0]])
        #expect(try read(longest.bytes).count == 5)
    }

    @Test("IM-04: the original template refuses a name of 256 bytes, and so of 300")
    func originalTemplate() throws {
        for size in [255, 256, 300] {
            var list = IMAListBuilder()
            let name = [UInt8](repeating: 0x61, count: size)
            list.entries.append(
                .init(
                    template: "ima", data: .init(repeating: 5, count: 20) + list.field(name),
                    digest: .init(repeating: 1, count: 20)))
            if size <= 255 {
                #expect(try read(list.bytes).count == 1)
            } else {
                #expect(throws: IMAListError.self) { try read(list.bytes) }
            }
        }
    }

    @Test("IM-04: a register above 23 is refused, and a template by an impossible name")
    func registersAndNames() throws {
        var list = IMAListBuilder.honest(1)
        list.addFile("/x", pcr: 24)
        #expect(throws: IMAListError.self) { try read(list.bytes) }
        for name in ["ima ng", "ima\u{1B}", "ima-ng\u{0}", "ïma"] {
            var list = IMAListBuilder.honest(1)
            list.add(name, [[1]])
            #expect(throws: IMAListError.self, "\(name)") { try read(list.bytes) }
        }
    }

    @Test("IM-05: a name that holds a whole forged line stays one entry, and is printed on one line")
    func newlineInName() throws {
        let forged =
            "/tmp/x\n10 \(String(repeating: "ab", count: 20)) ima-ng sha256:\(String(repeating: "cd", count: 32)) /bin/ls"
        var list = IMAListBuilder.honest(1)
        list.addFile(forged)
        let entries = try read(list.bytes)
        #expect(entries.count == 3 && entries[2].path == forged)
        let shown = IMAText.escape(entries[2].eventName ?? [])
        #expect(!shown.contains("\n") && shown.contains("\\u{a}10 abab"))
        #expect(IMAText.escape(Array("a\\b".utf8)) == "a\\\\b")
        #expect(IMAText.escape([0x2F, 0xFF, 0x1B]) == "/\\xff\\u{1b}")
    }

    @Test(
        "IM-14: a digest keeps the algorithm that its entry names; equal bytes of another algorithm are another digest")
    func algorithms() throws {
        var list = IMAListBuilder.honest(0)
        let digest = IMAListBuilder.fileDigest("/bin/ls")
        list.add("ima-ng", [IMAListBuilder.digest("sha1", Array(digest.prefix(20))), IMAListBuilder.name("/bin/ls")])
        list.add("ima-ng", [IMAListBuilder.digest("sha256", digest), IMAListBuilder.name("/bin/ls")])
        list.add("ima-ng", [IMAListBuilder.digest("sm3", digest), IMAListBuilder.name("/bin/ls")])
        list.add("ima-ng", [IMAListBuilder.digest("sm3-256", digest), IMAListBuilder.name("/bin/ls")])
        let entries = try read(list.bytes).dropFirst().map(\.fileDigest)
        #expect(entries[0]?.algorithm == .sha1 && entries[0] != entries[1] && entries[1] != entries[2])
        #expect(entries[2] == entries[3] && entries[2]?.algorithm.hashAlgorithm == .sm3)
    }

    @Test("A list of neither layout, or of two, is refused; an empty one has no entries")
    func detection() throws {
        #expect(try read([]).isEmpty)
        for bytes in [
            [0], [UInt8](repeating: 0, count: 400), [UInt8](repeating: 0xFF, count: 400), Array("hello".utf8),
        ] {
            let error = #expect(throws: IMAListError.self) { try read(bytes) }
            #expect(error?.entry == 0)
        }
        // A template digest that holds the head of a shorter entry: 32 bytes of digest, or 20 and a template.
        var list = IMAListBuilder(algorithm: .sha256)
        list.addFile("/bin/ls")
        list.entries[0].digest = [UInt8](repeating: 1, count: 20) + list.integer(6) + Array("ima-ng".utf8) + [0, 0]
        #expect(throws: IMAListError.self) { try read(list.bytes) }
    }

    @Test("Lines that are none are refused with the offset of their part")
    func lines() throws {
        let digest = String(repeating: "ab", count: 20)
        let file = "sha256:" + String(repeating: "cd", count: 32)
        let good = "10 \(digest) ima-ng \(file) /bin/ls\n"
        #expect(try read(Array(good.utf8)).count == 1)
        let bad = [
            "24 \(digest) ima-ng \(file) /bin/ls\n", "10 \(digest)ab ima-ng \(file) /bin/ls\n",
            "10 \(digest) ima-xx \(file) /bin/ls\n", "10 \(digest) ima-ng \(file)\n",
            "10 \(digest) ima-ng \(file)0 /bin/ls\n",
            "10 \(digest) ima-ng \(file.dropLast(2)) /bin/ls\n", "10 zz ima-ng \(file) /bin/ls\n", "\n",
            "10 \(digest) ima-sig \(file) /bin/ls xx\n", "10 \(digest) ima-ng sha256 /bin/ls\n",
        ]
        for line in bad {
            let error = #expect(throws: IMAListError.self, "\(line)") { try read(Array((good + line).utf8)) }
            #expect((error?.offset ?? 0) >= good.utf8.count && error?.entry == 1, "\(line)")
        }
        let spaces = try read(Array("10 \(digest) ima-sig \(file) /my file name 0302\n".utf8))
        #expect(spaces.first?.path == "/my file name" && spaces.first?.fileSignature?.count == 2)
    }

    @Test("A line that never ends is refused at its limit, in small pieces too, and costs no more than its bytes")
    func endlessLine() throws {
        let start = Array("10 \(String(repeating: "ab", count: 20)) ima-ng sha256:".utf8)
        let line = start + [UInt8](repeating: UInt8(ascii: "0"), count: IMAListLimits.lineSize)
        let clock = ContinuousClock()
        let began = clock.now
        let error = #expect(throws: IMAListError.self) { try read(line, by: 512) }
        #expect(error?.field == "line" && error?.offset == 0)
        #expect(clock.now - began < .seconds(30))
    }

    @Test("A flipped bit anywhere changes what is read, or is refused")
    func flippedBits() throws {
        let list = everyTemplate(IMAListBuilder())
        let honest = try read(list.bytes)
        for place in list.bytes.indices {
            for bit in 0..<8 {
                var bytes = list.bytes
                bytes[place] ^= 1 << UInt8(bit)
                if let entries = try? read(bytes) { #expect(entries != honest, "\(place).\(bit)") }
            }
        }
    }
}

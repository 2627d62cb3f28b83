import ReferenceValues
import Testing

@Suite("IMA policies")
struct IMAPolicyTests {
    static let strong = """
        # pseudo file systems
        dont_measure fsmagic=0x9fa0
        dont_measure fsmagic=0x62656572
        measure func=MMAP_CHECK mask=MAY_EXEC
        measure func=BPRM_CHECK mask=MAY_EXEC
        measure func=FILE_CHECK mask=^MAY_READ euid=0
        measure func=FILE_CHECK mask=^MAY_READ uid=0
        measure func=MODULE_CHECK
        measure func=FIRMWARE_CHECK
        measure func=POLICY_CHECK
        measure func=KEXEC_KERNEL_CHECK
        measure func=KEXEC_CMDLINE

        """

    @Test("A policy that measures programs, libraries, root's files, modules, firmware, policies and kexec is not weak")
    func strong() throws {
        #expect(try IMAPolicy(Self.strong).weaknesses.isEmpty)
    }

    @Test("IM-13: each rule that is missing or narrowed is named")
    func im13Missing() throws {
        for rule in [
            "func=BPRM_CHECK", "func=MMAP_CHECK", "func=MODULE_CHECK", "func=FIRMWARE_CHECK", "func=POLICY_CHECK",
            "func=KEXEC_KERNEL_CHECK", "func=KEXEC_CMDLINE",
        ] {
            let lines = Self.strong.split(separator: "\n")
            let without = lines.filter { !$0.contains(rule) }.joined(separator: "\n")
            #expect(try IMAPolicy(without).weaknesses.map { $0.rule.contains(rule) } == [true], "\(rule)")
            let narrowed = lines.map { $0.contains(rule) ? "\($0) fowner=0" : String($0) }.joined(separator: "\n")
            #expect(try IMAPolicy(narrowed).weaknesses.map { $0.rule.contains(rule) } == [true], "\(rule)")
        }
        let users = Self.strong.replacing("uid=0", with: "uid=1000")
        #expect(try IMAPolicy(users).weaknesses.map(\.rule) == ["measure func=FILE_CHECK mask=^MAY_READ uid=0"])
        #expect(try IMAPolicy("").weaknesses.count == 8)
    }

    @Test(
        "IM-13: exempt file systems, labels and owners are named with their line",
        arguments: [
            "dont_measure fsmagic=0x01021994", "dont_measure fsmagic=0x794c7630", "dont_measure fsmagic=0x858458f6",
            "dont_measure fsname=overlay", "dont_measure obj_type=usr_t", "dont_measure fsuuid=/usr", "dont_measure",
            "dont_measure func=FILE_CHECK", "dont_measure fsmagic=usr",
        ])
    func im13Exempt(_ rule: String) throws {
        let weaknesses = try IMAPolicy(rule + "\n" + Self.strong).weaknesses
        #expect(weaknesses.map(\.line) == [1])
        #expect(weaknesses.map(\.rule) == [rule])
    }

    @Test("Text that is no policy is refused, naming the line")
    func malformed() {
        for text in [
            "measured func=X", "measure func=A func=B", "# ok\nhello", String(repeating: "measure\n", count: 4097),
        ] {
            #expect(throws: IMAPolicy.Malformed.self) { try IMAPolicy(text) }
        }
        do {
            _ = try IMAPolicy("# ok\nhello")
        } catch {
            #expect(error.line == 2)
        }
    }
}

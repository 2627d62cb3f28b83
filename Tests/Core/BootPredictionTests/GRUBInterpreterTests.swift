import Foundation
import TPMStructures
import Testing

@testable import BootPrediction

/// Expected texts follow GRUB 2.06's sources (script/execute.c, yylex.l, parser.y, normal/menu.c) and logs of real machines.
@Suite("GRUB configurations and what GRUB measures of them")
struct GRUBInterpreterTests {
    private func run(
        _ text: String, files: [String: String] = [:], history: GRUBHistory = GRUBHistory(),
        _ change: (inout GRUBInputs) -> Void = { _ in }
    ) throws -> GRUBInterpreter {
        var inputs = GRUBInputs()
        inputs.files = files.mapValues { Array($0.utf8) }
        inputs.files["/vmlinuz"] = Array("kernel".utf8)
        inputs.files["/initrd"] = Array("initrd".utf8)
        change(&inputs)
        var interpreter = GRUBInterpreter(inputs, history, banks: [.sha256], cpu: "x86_64", file: "grub.cfg")
        var outcome = try interpreter.run(GRUBSource("grub.cfg", Array(text.utf8), isFile: true))
        if outcome != .booted, !interpreter.environment.menu.isEmpty { outcome = try interpreter.showMenu() }
        return interpreter
    }

    /// Commands as measured, then `= line` for the kernel's and `@ name` for files.
    private func measured(
        _ text: String, files: [String: String] = [:], history: GRUBHistory = GRUBHistory(),
        _ change: (inout GRUBInputs) -> Void = { _ in }
    ) throws -> [String] {
        try run(text, files: files, history: history, change).measurements.map { measurement in
            let text = GRUBInterpreter.text(measurement.text)
            return switch measurement.kind {
            case .command: text
            case .kernelCommandLine: "= \(text)"
            case .file: "@ \(text)"
            }
        }
    }

    private func error(_ text: String, _ change: (inout GRUBInputs) -> Void = { _ in }) -> GRUBError? {
        do { _ = try run(text, change) } catch { return error as? GRUBError }
        return nil
    }

    @Test("Quotes, escapes, continuation lines, comments and semicolons give the arguments that GRUB measures")
    func words() throws {
        #expect(
            try measured(
                """
                # a comment
                set a='one  two' # behind
                echo $a "$a" '$a' \\$a "\\$a" x${a}y ; echo a#b
                echo "a \\"q\\" \\\\ \\n" 'it'\\''s' con\\
                tinued "" $none "$none" end
                  # indented
                echo two\\ words {a}
                """.replacingOccurrences(of: " {a}", with: "")) == [
                    "set a=one  two", "echo one two one  two $a $a $a xone twoy", "echo a#b",
                    #"echo a "q" \ \n it's continued   end"#, "echo two words",
                ])
    }

    @Test("A line that begins with # vanishes even inside a quote, as GRUB's reader drops it")
    func commentInQuote() throws {
        #expect(try measured("echo 'a\n#b\nc'\r\n") == ["echo a\nc"])
    }

    @Test("The kernel's command line is quoted and escaped by the loader, the command is not")
    func commandLine() throws {
        #expect(
            try measured(#"linux /vmlinuz "a b" c\'d e=\"f\""# + "\ninitrd /initrd\nboot\necho never\n") == [
                #"linux /vmlinuz a b c'd e="f""#, "@ /vmlinuz", #"= /vmlinuz "a b" c\'d e=\"f\""#, "initrd /initrd",
                "@ /initrd", "boot",
            ])
    }

    @Test("if, elif, else, for, while, functions with parameters, shift, return, break")
    func flow() throws {
        #expect(
            try measured(
                """
                function f { echo $# $1; shift; if [ -n "$1" ]; then return 0; fi; echo end; return 1; }
                if f a b; then echo yes; else echo no; fi
                if f a; then echo yes; elif [ x = y ]; then echo no; else echo else; fi
                for i in 1 2 3; do if [ $i = 2 ]; then break; fi; done
                while [ "$n" != xx ]; do n=x$n; done
                """) == [
                    "f a b", "echo 2 a", "shift", "[ -n b ]", "return 0", "echo yes", "f a", "echo 1 a", "shift",
                    "[ -n  ]",
                    "echo end", "return 1", "[ x = y ]", "echo else", "[ 1 = 2 ]", "[ 2 = 2 ]", "break", "[  != xx ]",
                    "n=x", "[ x != xx ]", "n=xx", "[ xx != xx ]",
                ])
    }

    @Test(
        "Tests: precedence of -o and !, numbers, strings, implied and",
        arguments: [
            ("[ a = a -o b = c -a d = e ]", true), ("[ a = b -a c = c -o d = d ]", true), ("[ ! a = b ]", true),
            ("[ 10 -gt 9 ]", true), ("[ 0x10 -eq 16 ]", true), ("[ -z \"\" -a -n x ]", true), ("[ ]", true),
            ("[ \"\" ]", false), ("test a", true), ("[ ( a = b ) -o x ]", true), ("[ -1 -lt 0 ]", true),
            ("! [ a = a ]", false), ("[ vmlinuz < w ]", false),
        ])
    func tests(_ condition: String, _ holds: Bool) throws {
        guard condition != "[ vmlinuz < w ]" else {
            #expect(error("if \(condition); then true; fi")?.kind == .syntax)
            return
        }
        #expect(
            try measured("if \(condition); then echo yes; else echo no; fi").last == (holds ? "echo yes" : "echo no"))
    }

    @Test("A menu starts the default entry: its block is measured as written, its parameters and commands when it runs")
    func menu() throws {
        let text = """
            set timeout=5
            set default="1>b"
            menuentry 'First' --class x { linux /vmlinuz first }
            submenu 'More' --id more {
            \tmenuentry "It's a" --id a {
            \t\tlinux /vmlinuz a
            \t}
            # dropped
            \tmenuentry 'B' --id b $extra {
            \t\tlinux /vmlinuz $1 b
            \t}
            }
            """
        #expect(
            try measured(text) == [
                "set timeout=5", "set default=1>b", "menuentry First --class x { linux /vmlinuz first }",
                "submenu More --id more {\n\tmenuentry \"It's a\" --id a {\n\t\tlinux /vmlinuz a\n\t}\n\tmenuentry 'B' --id b $extra {\n\t\tlinux /vmlinuz $1 b\n\t}\n}",
                "setparams More", "menuentry It's a --id a {\n\t\tlinux /vmlinuz a\n\t}",
                "menuentry B --id b {\n\t\tlinux /vmlinuz $1 b\n\t}", "setparams B", "linux /vmlinuz B b", "@ /vmlinuz",
                "= /vmlinuz B b",
            ])
        #expect(try measured(text) { $0.entry = "0" }.last == "= /vmlinuz first")
        #expect(try measured(text) { $0.entry = "more>a" }.contains("setparams It's a"))
        #expect(error(text.replacingOccurrences(of: "set timeout=5\n", with: ""))?.construct == "$timeout")
        #expect(error(text) { $0.entry = "nothing" }?.kind == .undecided)
    }

    @Test("configfile sees exported variables only; an environment block is measured at -s and at load_env")
    func contexts() throws {
        let main = """
            if [ -s $prefix/grubenv ]; then load_env; fi
            echo "$kept$lost$saved"
            """
        #expect(
            try measured(
                "set kept=k\nexport kept\nset lost=l\nconfigfile /main.cfg\necho $lost",
                files: ["/main.cfg": main, "/grub/grubenv": "# GRUB Environment Block\nsaved=a\\\\b\n####"]
            ) { $0.variables["prefix"] = "/grub" } == [
                "set kept=k", "export kept", "set lost=l", "configfile /main.cfg", "@ /main.cfg",
                "[ -s /grub/grubenv ]",
                "@ /grub/grubenv", "load_env", "@ /grub/grubenv", #"echo ka\b"#, "echo l",
            ])
    }

    @Test("What only the machine knows is an error that names line and construct, until somebody says it")
    func undecided() throws {
        let text = "true\nif [ -e /x ]; then echo there; else echo absent; fi\n"
        #expect(error(text)?.line == 2)
        #expect(error(text)?.construct == "[ -e /x ]")
        #expect(try measured(text) { $0.exitCodes["[ -e /x ]"] = 1 }.last == "echo absent")
        #expect(try measured(text) { $0.files["/x"] = [] }.last == "echo there")
        #expect(error("search --fs-uuid --set=root ABCD\necho ($root)/x")?.line == 2)
        #expect(
            try measured("search --fs-uuid --set=root ABCD\necho ($root)/x") { $0.variables["root"] = "hd0,gpt2" }.last
                == "echo (hd0,gpt2)/x")
        #expect(error("frobnicate now")?.kind == .undecided)
        #expect(error("insmod exotic")?.kind == .undecided)
        #expect(error("linux /absent")?.kind == .missingFile)
        #expect(error("chainloader /EFI/x.efi")?.kind == .unsupported)
        #expect(error("ls /boot/*")?.kind == .unsupported)
    }

    @Test("The last boot decides the same command where its two ways begin differently, and the decision is listed")
    func history() throws {
        var history = GRUBHistory()
        history.steps = ["[ -e /x ]", "echo absent"].map { .init(command: Array($0.utf8), files: []) }
        let text = "if [ -e /x ]; then echo there; fi\necho absent\n"
        let interpreter = try run(text, history: history)
        #expect(interpreter.decisions.map(\.exitCode) == [1])
        #expect(interpreter.decisions.map(\.source) == [.lastBoot])
        // Neither way begins as the last boot went on: nothing is decided.
        #expect(throws: GRUBError.self) { try run("if [ -e /x ]; then echo there; fi\necho new\n", history: history) }
        history.steps = [
            .init(command: Array("insmod bli".utf8), files: [])
        ]
        history.add(.init(name: "/m/bli.mod", digests: [.sha256: .zero(.sha256)]))
        #expect(try measured("insmod bli\ninsmod bli\n", history: history).prefix(2) == ["insmod bli", "@ /m/bli.mod"])
    }

    @Test(
        "What GRUB's grammar does not have is refused with its line",
        arguments: [
            "true && true", "true | true", "true > x", "if true; then fi", "function f { true }", "echo 'open",
            "echo \"open", "menuentry x { }", "}", "fi", "echo ${a", "echo $", "for 1 in a; do true; done", "true;;",
            "case x", "while true; do true", "[[ a ]]",
        ])
    func syntax(_ text: String) {
        let refused = error("true\n" + text)
        #expect(refused?.kind == .syntax, "\(String(describing: refused))")
        #expect(refused.map { $0.line >= 2 } == true)
    }

    @Test("Configurations without end, or nested without bound, end with an error")
    func limits() {
        #expect(error("while true; do true; done")?.kind == .limit)
        #expect(error("function f { f; }\nf")?.kind == .limit)
        #expect(error(String(repeating: "if true; then ", count: 100))?.kind == .limit)
        #expect(error("set a=xxxxxxxxxxxxxxxx\nwhile true; do a=$a$a; done")?.kind == .limit)
        #expect(throws: GRUBError.self) { try GRUBSource("x", [0], isFile: true) }
        #expect(throws: GRUBError.self) {
            try GRUBSource("x", [UInt8](repeating: 0x20, count: GRUBSource.maximumSize + 1), isFile: true)
        }
    }

    @Test("Every prefix of a configuration either runs or is refused, and none traps")
    func prefixes() {
        let text =
            "function f { echo \"$1\" 'x' $\"t\"; }\nif f a; then set b=\\c; else true; fi\nmenuentry 'm' { f ${b} }\n"
        for count in 0...text.utf8.count { _ = error(String(text.prefix(count))) }
    }
}

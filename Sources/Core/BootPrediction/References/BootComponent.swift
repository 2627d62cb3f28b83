public import ByteParsing
public import JSONCoding
internal import TPMCryptography
internal import TPMStructures

/// A part of the boot chain that somebody holds to be good, as a package, a folder or another product's list names it.
public struct BootComponent: Hashable, Sendable {
    public enum Role: String, Hashable, Sendable, CaseIterable {
        case firmware
        case shim, grub, kernelImage = "kernel-image"
        case kernelFile = "kernel-file"
        case initrd
        case commandLine = "kernel-command-line"
        case mokList = "mok-list"
        case mokListX = "mok-list-x"
        /// An image or file that is none of these.
        case image, file
    }

    public let role: Role
    /// Where it comes from: a path, or a key.
    public let name: String
    /// By bank; of a command line empty.
    let digests: [PCRBank: Digest]
    let commandLine: [String]

    private init(_ role: Role, _ name: String, _ digests: [PCRBank: Digest], commandLine: [String] = []) {
        self.role = role
        self.name = name
        self.digests = digests
        self.commandLine = commandLine
    }

    /// A file by its name: the Authenticode digest of an EFI image or kernel, the content's of what GRUB reads.
    ///
    /// - Throws: ``ParsingError`` for a file that is an image by its name and not by its content.
    public static func components(path: String, content: [UInt8]) throws(ParsingError) -> [BootComponent] {
        let name = path.split(separator: "/").last.map { $0.lowercased() } ?? path
        let banks = PCRBank.allCases
        func plain(_ role: Role) -> BootComponent {
            BootComponent(
                role, path, Dictionary(banks.map { ($0, MessageDigest.hash(content, $0)) }) { first, _ in first })
        }
        func image(_ role: Role) throws(ParsingError) -> BootComponent {
            BootComponent(role, path, try PEImage(parsing: content).authenticodeDigests(banks))
        }
        if name.hasPrefix("vmlinuz") || name.hasPrefix("vmlinux") {
            return content.starts(with: Array("MZ".utf8))
                ? [try image(.kernelImage), plain(.kernelFile)] : [plain(.kernelFile)]
        }
        if name.hasPrefix("initrd") || name.hasPrefix("initramfs") { return [plain(.initrd)] }
        guard name.contains(".efi") else { return [] }
        if name.hasPrefix("shim") || name.hasPrefix("boot") { return [try image(.shim)] }
        if name.hasPrefix("grub") || name.hasPrefix("gcd") { return [try image(.grub)] }
        return [try image(.image)]
    }

    // MARK: Keylime

    /// Keylime's measured boot reference state (its `mba/elchecking`, files of `create_mb_refstate`).
    ///
    /// - Returns: What carries over, and a line for each part that does not.
    /// - Throws: ``StrictJSONError`` for another document.
    public static func keylime(
        parsing bytes: [UInt8]
    ) throws(StrictJSONError) -> (components: [BootComponent], left: [String]) {
        let state = try StrictJSON.decode(KeylimeState.self, from: bytes)
        let keys = try StrictJSON.decode([String: Ignored].self, from: bytes).keys
        var components: [BootComponent] = []
        var left: [String] = []
        func add(_ role: Role, _ text: String?, _ path: String) {
            guard let text else { return }
            let hex = text.hasPrefix("0x") ? String(text.dropFirst(2)) : text
            guard let bytes = Hex.decode(hex), let digest = Digest(algorithm: .sha256, bytes: bytes) else {
                left.append("\(path): is no SHA-256 digest")
                return
            }
            components.append(BootComponent(role, path, [.sha256: digest]))
        }
        for (index, entry) in (state.scrtmAndBIOS ?? []).enumerated() {
            add(.firmware, entry.scrtm?["sha256"], "scrtm_and_bios[\(index)].scrtm")
            for (number, blob) in (entry.platformFirmware ?? []).enumerated() {
                add(.firmware, blob["sha256"], "scrtm_and_bios[\(index)].platform_firmware[\(number)]")
            }
        }
        for (index, kernel) in (state.kernels ?? []).enumerated() {
            let path = "kernels[\(index)]"
            add(.shim, kernel.shim, "\(path).shim_authcode_sha256")
            add(.grub, kernel.grub, "\(path).grub_authcode_sha256")
            add(.kernelImage, kernel.kernel, "\(path).kernel_authcode_sha256")
            add(.kernelFile, kernel.kernelPlain, "\(path).kernel_plain_sha256")
            add(.initrd, kernel.initrd, "\(path).initrd_plain_sha256")
            guard let line = kernel.commandLine else { continue }
            if line.contains(where: { #"\^$*+?()[]{}|"#.contains($0) }) {
                left.append("\(path).kernel_cmdline: is a pattern; references name command lines exactly")
            } else {
                components.append(
                    BootComponent(
                        .commandLine, "\(path).kernel_cmdline", [:],
                        commandLine: line.split(separator: " ", omittingEmptySubsequences: false).map(String.init)))
            }
        }
        for (index, entry) in (state.mokdig ?? []).enumerated() { add(.mokList, entry["sha256"], "mokdig[\(index)]") }
        for (index, entry) in (state.mokxdig ?? []).enumerated() {
            add(.mokListX, entry["sha256"], "mokxdig[\(index)]")
        }
        for key in ["pk", "kek", "db", "dbx", "vendor_db"] where keys.contains(key) {
            left.append(
                "\(key): lists entries, not the signature lists that PCR 7 measures; capture them from a machine")
        }
        let known: Set<String> = [
            "scrtm_and_bios", "kernels", "mokdig", "mokxdig", "pk", "kek", "db", "dbx", "vendor_db",
        ]
        left += keys.filter { !known.contains($0) }.sorted().map { "\($0): has no counterpart" }
        return (components, left)
    }
}

private struct Ignored: Decodable {
    init(from decoder: any Decoder) throws {}
}

private struct KeylimeState: Decodable {
    struct Firmware: Decodable {
        var scrtm: [String: String]?
        var platformFirmware: [[String: String]]?
        enum CodingKeys: String, CodingKey {
            case scrtm
            case platformFirmware = "platform_firmware"
        }
    }
    struct Kernel: Decodable {
        var shim, grub, kernel, kernelPlain, initrd, commandLine: String?
        enum CodingKeys: String, CodingKey {
            case shim = "shim_authcode_sha256"
            case grub = "grub_authcode_sha256"
            case kernel = "kernel_authcode_sha256"
            case kernelPlain = "kernel_plain_sha256"
            case initrd = "initrd_plain_sha256"
            case commandLine = "kernel_cmdline"
        }
    }
    var scrtmAndBIOS: [Firmware]?
    var kernels: [Kernel]?
    var mokdig: [[String: String]]?
    var mokxdig: [[String: String]]?
    enum CodingKeys: String, CodingKey {
        case scrtmAndBIOS = "scrtm_and_bios"
        case kernels, mokdig, mokxdig
    }
}

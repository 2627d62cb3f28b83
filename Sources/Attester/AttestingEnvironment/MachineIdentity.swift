/// What the node says about itself outside the TPM. Self-reported: shown, never used to decide.
package struct MachineIdentity: Hashable, Sendable {
    package var manufacturer: String?
    package var product: String?
    package var serialNumber: String?
    package var uuid: String?

    /// Longest SMBIOS string that is passed on, in bytes.
    package static let maxLength = 128

    /// Reads SMBIOS strings below `root` (`/sys/class/dmi/id`); a missing or unreadable one is nil.
    package static func read(root: String = "/sys/class/dmi/id") -> MachineIdentity {
        func text(_ name: String) -> String? {
            // A missing or strange file is no identity, not an error: virtual machines have none of them.
            guard let bytes = try? EvidenceSource.read("\(root)/\(name)", limit: 4096) else { return nil }
            let printable = bytes.map { (0x20..<0x7F).contains($0) || $0 == 0x0A ? $0 : UInt8(ascii: "?") }
            let line = String(decoding: printable.prefix { $0 != 0x0A }.prefix(maxLength), as: UTF8.self)
            let trimmed = line.drop { $0 == " " }
            return trimmed.isEmpty ? nil : String(trimmed)
        }
        return MachineIdentity(
            manufacturer: text("sys_vendor"), product: text("product_name"), serialNumber: text("product_serial"),
            uuid: text("product_uuid"))
    }
}

/// The kernel's name for this boot.
package enum BootIdentity {
    /// `/proc/sys/kernel/random/boot_id`, a UUID in lower case.
    package static func read(path: String = "/proc/sys/kernel/random/boot_id") throws(EnvironmentError) -> String {
        let bytes = try EvidenceSource.read(path, limit: 64)
        let text = String(decoding: bytes.prefix { $0 != 0x0A }, as: UTF8.self)
        let isUUID =
            text.utf8.count == 36
            && text.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) || $0 == 45 }
        guard isUUID else { throw EnvironmentError(.logSource, path: path, "not a boot id") }
        return text
    }
}

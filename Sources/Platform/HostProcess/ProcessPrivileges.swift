internal import Glibc

/// The rights that this process has now, as the kernel lists them (proc_pid_status(5)).
package struct ProcessPrivileges: Hashable, Sendable {
    package var effectiveUser: UInt32
    package var effectiveGroup: UInt32
    package var groups: Set<UInt32>
    /// Numbers of capabilities(7) in the effective or the permitted set.
    package var capabilities: Set<Int>

    /// The two that the agent's fingerprints and logs need: CAP_DAC_READ_SEARCH and CAP_SYS_PTRACE.
    package static let agentCapabilities: Set<Int> = [2, 19]

    /// - Parameter status: the text of `/proc/PID/status`.
    /// - Returns: nil where a line is missing or of another form.
    package init?(status: String) {
        func values(_ key: String) -> [Substring]? {
            status.split(separator: "\n").first { $0.hasPrefix(key) }?.dropFirst(key.count)
                .split(whereSeparator: { $0 == " " || $0 == "\t" })
        }
        func mask(_ key: String) -> UInt64? { values(key)?.first.flatMap { UInt64($0, radix: 16) } }
        // Real, effective, saved, file system.
        guard let user = values("Uid:")?.dropFirst().first.flatMap({ UInt32($0) }),
            let group = values("Gid:")?.dropFirst().first.flatMap({ UInt32($0) }), let groups = values("Groups:"),
            let effective = mask("CapEff:"), let permitted = mask("CapPrm:")
        else { return nil }
        effectiveUser = user
        effectiveGroup = group
        self.groups = Set(groups.compactMap { UInt32($0) })
        capabilities = Set((0..<64).filter { (effective | permitted) >> UInt64($0) & 1 == 1 })
    }

    /// Of this process; nil where `/proc` is not there.
    package static func current() -> ProcessPrivileges? {
        let descriptor = unsafe open("/proc/self/status", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        // The kernel makes the whole text at the first read; it is about 1.5 kB.
        var bytes = [UInt8](repeating: 0, count: 16_384)
        let count = unsafe read(descriptor, &bytes, bytes.count)
        guard count > 0 else { return nil }
        return ProcessPrivileges(status: String(decoding: bytes[..<count], as: UTF8.self))
    }

    /// What it has beyond a dedicated user with `needed`, in words; empty where that is all (catalogue AG-06).
    package func excess(over needed: Set<Int>) -> [String] {
        var excess: [String] = []
        if effectiveUser == 0 { excess.append("user 0") }
        if effectiveGroup == 0 || groups.contains(0) { excess.append("group 0") }
        let surplus = capabilities.subtracting(needed).sorted()
        if !surplus.isEmpty { excess.append("capabilities \(surplus.map(String.init).joined(separator: " "))") }
        return excess
    }
}

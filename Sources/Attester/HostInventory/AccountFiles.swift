internal import AssetFingerprints

/// `/etc/passwd` and `/etc/group`: the node's own accounts.
///
/// Not through NSS: its modules run other people's code in the agent, may ask the network without a limit of time, and
/// list a directory's accounts, which are no state of this node. Where nsswitch.conf names `files` first, `getent` shows
/// the same lines first.
struct AccountFiles {
    static let maxBytes = 16 << 20

    let files: HostFiles

    func users() throws(HostInventoryError) -> [Account] {
        try records("/etc/passwd").compactMap(Self.user)
    }

    func groups() throws(HostInventoryError) -> [Account] {
        try records("/etc/group").compactMap(Self.group)
    }

    /// Names by user id; the first line of an id counts, as for getpwuid(3).
    func userNames() throws(HostInventoryError) -> [UInt32: String] {
        var names: [UInt32: String] = [:]
        for case .user(let name, let uid, _, _, _) in try users() where names[uid] == nil { names[uid] = name }
        return names
    }

    /// name:password:uid:gid:gecos:home:shell; nil for lines that glibc does not take for an account either.
    static func user(_ fields: [String]) -> Account? {
        guard fields.count == 7, isName(fields[0]), let uid = UInt32(fields[2]), let gid = UInt32(fields[3]) else {
            return nil
        }
        return .user(name: fields[0], uid: uid, gid: gid, home: fields[5], shell: fields[6])
    }

    /// name:password:gid:member,member
    static func group(_ fields: [String]) -> Account? {
        guard fields.count == 4, isName(fields[0]), let gid = UInt32(fields[2]) else { return nil }
        let members = Set(fields[3].split(separator: ",").map { Array($0.utf8) })
            .sorted { $0.lexicographicallyPrecedes($1) }
        return .group(name: fields[0], gid: gid, members: members.map { String(decoding: $0, as: UTF8.self) })
    }

    private static func isName(_ text: String) -> Bool {
        // Comments, and the + and - lines of NIS compatibility.
        !text.isEmpty && !["#", "+", "-"].contains { text.hasPrefix($0) }
    }

    private func records(_ path: String) throws(HostInventoryError) -> [[String]] {
        guard let lines = try files.lines(of: path, maxBytes: Self.maxBytes) else {
            throw .unreadable(path: path, errno: 2)
        }
        return lines.map { $0.split(separator: ":", omittingEmptySubsequences: false).map(String.init) }
    }
}

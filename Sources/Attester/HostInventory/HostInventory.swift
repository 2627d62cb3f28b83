package import AssetFingerprints

/// Collects the four asset fingerprints from the machine's files: no child process, no socket, no NSS module; every read
/// bounded.
///
/// What an account may not see is left empty (owner of a socket) or named as such (executables, sudo policy): root, or
/// CAP_SYS_PTRACE with CAP_DAC_READ_SEARCH, sees all.
package struct HostInventory: Sendable {
    private let files: HostFiles

    /// - Parameter root: folder that holds `proc`, `etc` and `var`; the machine's own when empty or `/`.
    package init(root: String = "") {
        files = HostFiles(root: root.hasSuffix("/") ? String(root.dropLast()) : root)
    }

    package func collect(_ kind: FingerprintKind) throws(HostInventoryError) -> FingerprintReport {
        switch kind {
        case .listeningPorts: FingerprintReport(try listeningPorts())
        case .softwareAssets: FingerprintReport(try PackageDatabase(files: files).packages())
        case .runningProcesses: FingerprintReport(try runningProcesses())
        case .accounts: FingerprintReport(try accounts())
        }
    }

    private func listeningPorts() throws(HostInventoryError) -> [ListeningPort] {
        let sockets = try SocketTable(files: files).listening()
        guard !sockets.isEmpty else { return [] }
        let users = try AccountFiles(files: files).userNames()
        let table = ProcessTable(files: files)
        let inodes = Set(sockets.map(\.inode))
        var owners: [UInt64: [Owner]] = [:]
        for id in try table.processIDs() {
            let held = table.sockets(id, wanted: inodes)
            guard !held.isEmpty, let process = table.process(id) else { continue }
            let owner = Owner(process: process.name, executable: executable(of: id, process, table) ?? "")
            for inode in held { owners[inode, default: []].append(owner) }
        }
        return sockets.flatMap { socket in
            (owners[socket.inode] ?? [Owner(process: "", executable: "")]).map { owner in
                ListeningPort(
                    protocol: socket.transport, address: socket.address, port: socket.port, process: owner.process,
                    executable: owner.executable, user: users[socket.user] ?? String(socket.user))
            }
        }
    }

    private struct Owner {
        let process: String
        let executable: String
    }

    private func runningProcesses() throws(HostInventoryError) -> [RunningProcess] {
        let users = try AccountFiles(files: files).userNames()
        let table = ProcessTable(files: files)
        var found: [RunningProcess] = []
        for id in try table.processIDs() {
            guard let process = table.process(id), let executable = executable(of: id, process, table) else { continue }
            let user = users[process.effectiveUser] ?? String(process.effectiveUser)
            found.append(RunningProcess(executable: executable, user: user))
        }
        return found
    }

    /// Nil for kernel threads, zombies and processes that are gone.
    private func executable(of id: String, _ process: ProcessTable.Process, _ table: ProcessTable) -> String? {
        switch table.executable(id) {
        case .target(let path): path
        case .forbidden: "(not readable by the agent) \(process.name)"
        case .none: nil
        }
    }

    private func accounts() throws(HostInventoryError) -> [Account] {
        let own = AccountFiles(files: files)
        return try own.users() + own.groups() + SudoPolicy(files: files).rules()
    }
}

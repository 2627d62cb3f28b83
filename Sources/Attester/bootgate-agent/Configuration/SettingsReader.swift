import AttestingEnvironment
import Glibc
import TOMLKit

/// Gathers the settings of the files and the environment, and every problem on the way.
struct SettingsReader {
    private(set) var values: [SettingKey: String] = [:]
    private(set) var problems: [String] = []
    static let variablePrefix = "BOOTGATE_AGENT_"
    static let defaultPath = "/etc/bootgate/agent.toml"

    /// - Parameter path: The main file; its drop-ins are in the folder of the same name with `.d` for `.toml`.
    init(path: String?) {
        let main = path ?? Self.defaultPath
        // Without a main file of its own a verb may do with the defaults; a named one must be there.
        if unsafe path != nil || access(main, F_OK) == 0 { read(main) }
        let folder = (main.hasSuffix(".toml") ? String(main.dropLast(5)) : main) + ".d"
        for name in Self.dropIns(folder) { read("\(folder)/\(name)") }
        readEnvironment()
        for key in SettingKey.allCases where values[key] == nil { values[key] = key.defaultValue }
        // A state directory of one's own takes the status along: two agents on one machine do not share it.
        if values[.statusDirectory] == nil {
            let isDefault = values[.stateDirectory] == SettingKey.stateDirectory.defaultValue
            values[.statusDirectory] = isDefault ? SettingKey.defaultStatusDirectory : values[.stateDirectory]
        }
    }

    mutating func report(_ problem: String) { problems.append(problem) }

    private mutating func read(_ path: String) {
        do {
            try ConfigurationFile.checkOwnership(path)
            let bytes = try EvidenceSource.read(path, limit: 1 << 20)
            try merge(try TOMLTable(string: String(decoding: bytes, as: UTF8.self)), path)
        } catch let error as TOMLParseError {
            problems.append("\(path): line \(error.source.begin.line): not TOML: \(error.description)")
        } catch let error as EnvironmentError {
            problems.append("\(path): \(error.reason)")
        } catch {
            problems.append("\(path): \(error)")
        }
    }

    private mutating func merge(_ table: TOMLTable, _ path: String) throws {
        for section in table.keys {
            guard let inner = table[section]?.table else {
                problems.append("\(path): \(section) is not a section")
                continue
            }
            for name in inner.keys {
                let text = "\(section).\(name)"
                guard let key = SettingKey(rawValue: text) else {
                    problems.append("\(path): unknown key \(text)")
                    continue
                }
                if key == .pins, let list = inner[name]?.array {
                    let pins = list.compactMap(\.string)
                    if pins.count != list.count { problems.append("\(path): \(text) is a list of strings") }
                    values[key] = pins.joined(separator: ",")
                } else if key == .timeout, let number = inner[name]?.int {
                    values[key] = String(number)
                } else if let value = inner[name]?.string, key != .timeout {
                    values[key] = value
                } else {
                    problems.append("\(path): \(text) has the wrong type")
                }
            }
        }
    }

    /// A variable of ours that nobody reads is a mistake, or an attempt: it is named, not ignored.
    private mutating func readEnvironment() {
        let known = Dictionary(
            uniqueKeysWithValues: SettingKey.allCases.compactMap { key in
                key.variable.map { ($0, key) }
            })
        for (name, value) in ProcessVariables.all() where name.hasPrefix(Self.variablePrefix) {
            if let key = known[name] {
                values[key] = value
            } else {
                problems.append("\(name): not a setting that the environment may make; write it to a file")
            }
        }
    }

    private static func dropIns(_ folder: String) -> [String] {
        guard let stream = unsafe opendir(folder) else { return [] }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if name.hasSuffix(".toml"), !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted()
    }
}

/// The environment of this process.
enum ProcessVariables {
    static func all() -> [(String, String)] {
        var variables: [(String, String)] = []
        var cursor = unsafe environ
        while let entry = unsafe cursor.pointee {
            let text = unsafe String(cString: entry)
            if let equals = text.firstIndex(of: "=") {
                variables.append((String(text[..<equals]), String(text[text.index(after: equals)...])))
            }
            unsafe cursor += 1
        }
        return variables
    }
}

enum ConfigurationFile {
    /// Whoever may write the configuration chooses the TPM and the verifier: only root and the agent's user may.
    static func checkOwnership(_ path: String) throws(AgentFailure) {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else {
            throw AgentFailure(78, [unsafe String(cString: strerror(errno))])
        }
        guard status.st_uid == 0 || status.st_uid == geteuid(), status.st_mode & 0o022 == 0 else {
            throw AgentFailure(78, ["others than root and the agent's user may write it"])
        }
    }
}

extension AgentFailure: CustomStringConvertible {
    var description: String { lines.joined(separator: "; ") }
}

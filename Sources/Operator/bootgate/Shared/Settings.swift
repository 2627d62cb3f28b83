import Glibc
import TOMLKit

/// The command's settings: files, then `BOOTGATE_*`, then flags; the later wins. All problems are reported at once.
struct Settings {
    var url: String
    var caFile: String
    var name: String?
    var pins: [String]
    var certificate: String
    var key: String

    /// Keys of the configuration files, with the environment variable of each.
    private static let keys: [(key: String, variable: String)] = [
        ("verifier.url", "BOOTGATE_VERIFIER_URL"), ("verifier.ca-file", "BOOTGATE_VERIFIER_CA_FILE"),
        ("verifier.name", "BOOTGATE_VERIFIER_NAME"), ("verifier.pins", "BOOTGATE_VERIFIER_PINS"),
        ("operator.certificate", "BOOTGATE_OPERATOR_CERTIFICATE"), ("operator.key", "BOOTGATE_OPERATOR_KEY"),
    ]

    static func load(from file: String?, flags: ConnectionOptions) throws -> Settings {
        var problems: [String] = []
        var values: [String: String] = [:]
        for path in file.map({ [$0] }) ?? defaultFiles() {
            merge(fileAt: path, into: &values, &problems)
        }
        for (key, variable) in keys {
            // An empty variable is as good as none: it hides no file's value.
            if let value = unsafe getenv(variable).map({ unsafe String(cString: $0) }), !value.isEmpty {
                values[key] = value
            }
        }
        if let verifier = flags.verifier { values["verifier.url"] = verifier }
        if let caFile = flags.caFile { values["verifier.ca-file"] = caFile }
        if let certificate = flags.certificate { values["operator.certificate"] = certificate }
        if let key = flags.key { values["operator.key"] = key }

        func required(_ key: String) -> String {
            if let value = values[key], !value.isEmpty { return value }
            let variable = keys.first { $0.key == key }?.variable ?? ""
            problems.append("\(key) is not set (configuration file, \(variable), or the flag)")
            return ""
        }
        let settings = Settings(
            url: required("verifier.url"), caFile: required("verifier.ca-file"), name: values["verifier.name"],
            pins: values["verifier.pins"]?.split(separator: ",").map(String.init) ?? [],
            certificate: required("operator.certificate"), key: required("operator.key"))
        for (key, file) in [("verifier.ca-file", settings.caFile), ("operator.certificate", settings.certificate)]
        where !file.isEmpty {
            if let problem = Self.problem(ofCertificates: file) { problems.append("\(key): \(problem)") }
        }
        guard problems.isEmpty else {
            throw Failure(
                .configuration, problems.joined(separator: "\n"),
                nextStep: "write them to ~/.config/bootgate/bootgate.toml; see bootgate --help")
        }
        return settings
    }

    /// What is wrong with a PEM file of certificates; TLS would only say that something is.
    private static func problem(ofCertificates file: String) -> String? {
        do {
            let text = String(decoding: try InputFile.read(path: file), as: UTF8.self)
            return text.contains("-----BEGIN CERTIFICATE-----") ? nil : "\(file): no certificate in PEM form"
        } catch {
            return (error as? Failure)?.message ?? "\(file): \(error)"
        }
    }

    private static func defaultFiles() -> [String] {
        var files = ["/etc/bootgate/bootgate.toml"]
        if let home = unsafe getenv("HOME") {
            files.append(unsafe String(cString: home) + "/.config/bootgate/bootgate.toml")
        }
        return files.filter { unsafe access($0, F_OK) == 0 }
    }

    private static func merge(fileAt path: String, into values: inout [String: String], _ problems: inout [String]) {
        do {
            let table = try TOMLTable(string: String(decoding: try InputFile.read(path: path), as: UTF8.self))
            for section in table.keys {
                guard let inner = table[section]?.table else {
                    problems.append("\(path): \(section) is not a section")
                    continue
                }
                for name in inner.keys {
                    let key = "\(section).\(name)"
                    if !keys.contains(where: { $0.key == key }) {
                        problems.append("\(path): unknown key \(key)")
                    } else if let text = inner[name]?.string {
                        values[key] = text
                    } else if let list = inner[name]?.array {
                        values[key] = list.compactMap(\.string).joined(separator: ",")
                    } else {
                        problems.append("\(path): \(key) is neither a string nor a list of strings")
                    }
                }
            }
        } catch let error as TOMLParseError {
            problems.append("\(path): line \(error.source.begin.line): not TOML: \(error.description)")
        } catch {
            problems.append((error as? Failure)?.message ?? "\(path): \(error)")
        }
    }
}

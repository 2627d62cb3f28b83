/// Why something of the node's own could not be used. Exit code 78 for the state directory, a log event for sources.
package struct EnvironmentError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Code: String, Hashable, Sendable {
        /// An evidence source is not a plain file of allowed size (AG-03).
        case logSource = "AGENT_LOG_SOURCE"
        /// The state directory is not a private directory of the agent (AG-07).
        case stateDirectory = "AGENT_STATE_DIR"
        /// A state file cannot be read or written.
        case stateFile = "AGENT_STATE_FILE"
    }
    package let code: Code
    package let path: String
    package let reason: String

    package init(_ code: Code, path: String, _ reason: String) {
        self.code = code
        self.path = path
        self.reason = reason
    }

    package var description: String { "\(code.rawValue): \(path): \(reason)" }
}

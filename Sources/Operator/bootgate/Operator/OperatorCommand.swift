import ArgumentParser
import AttestationMessages
import VerifierClient

struct OperatorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "operator", abstract: "People and consumers: their roles and keys.",
        discussion: """
            Roles: viewer, enroller, approver, security-admin, auditor; relying-party for consumers of admissions.

            EXAMPLES
              bootgate operator list
              bootgate operator add carol --role approver --role viewer --request @carol.csr
            """,
        subcommands: [OperatorList.self, OperatorAdd.self, OperatorRoles.self, OperatorRemove.self])

    static func text(_ operators: [OperatorView]) -> String {
        var table = TextTable("NAME", "ROLES", "ACTIVE", "KEY SHA-256")
        for view in operators {
            table.add(
                view.name, view.roles.map(\.rawValue).joined(separator: ","), view.active ? "yes" : "no",
                String(view.keySHA256.prefix(16)))
        }
        return table.text
    }
}

struct OperatorList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List operators and consumers.",
        discussion: """
            EXAMPLES
              bootgate operator list
            """)
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let page = try await connection.client().operators()
        try output.write(page) { OperatorCommand.text(page.items) }
    }
}

struct OperatorAdd: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add", abstract: "Add a person by their certificate request; prints the certificate chain as PEM.",
        discussion: """
            The private key never leaves its owner:
              openssl ecparam -name prime256v1 -genkey -noout -out carol.key && chmod 600 carol.key
              openssl req -new -key carol.key -subj /CN=carol -out carol.csr

            EXAMPLES
              bootgate operator add carol --role approver --role viewer --request @carol.csr > carol.pem
            """)
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "The operator's name.") var name: String
    @Option(name: .customLong("role"), help: "A role; may be repeated.") var roles: [Role]
    @Option(help: "Certificate request (PKCS#10), PEM or DER: @FILE or -.") var request: ValueArgument

    func run() async throws {
        let reply = try await connection.client().addOperator(
            OperatorRequest(name: name, roles: roles, certificateRequest: WireBytes(try certificateRequest())))
        try output.write(reply) { reply.certificates.map { PEM.certificate($0.bytes) }.joined() }
    }

    private func certificateRequest() throws -> [UInt8] {
        let bytes = try request.read()
        guard bytes.starts(with: "-----BEGIN".utf8) else { return bytes }
        guard let der = PEM.content(String(decoding: bytes, as: UTF8.self)) else {
            throw Failure(.malformedInput, "the certificate request: not base64 between its PEM lines")
        }
        return der
    }
}

struct OperatorRoles: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "roles", abstract: "Set an operator's roles; holds from the next request on.",
        discussion: """
            EXAMPLES
              bootgate operator roles carol --role viewer
            """)
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "The operator's name.") var name: String
    @Option(name: .customLong("role"), help: "A role; may be repeated.") var roles: [Role]

    func run() async throws {
        let view = try await connection.client().setRoles(
            OperatorRequest(name: name, roles: roles, certificateRequest: nil))
        try output.write(view) { OperatorCommand.text([view]) }
    }
}

struct OperatorRemove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "Remove an operator; their certificate is refused from the next request on.",
        discussion: """
            EXAMPLES
              bootgate operator remove carol
            """)
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "The operator's name.") var name: String

    func run() async throws {
        let view = try await connection.client().removeOperator(name)
        try output.write(view) { OperatorCommand.text([view]) }
    }
}

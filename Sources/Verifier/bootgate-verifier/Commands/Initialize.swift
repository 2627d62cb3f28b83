internal import Admission
internal import ArgumentParser
internal import AttestationMessages
internal import ByteParsing
internal import Crypto
internal import Glibc
internal import VerifierService
internal import VerifierStore
internal import X509

struct Initialize: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Makes the data directory: store, certificate authorities, keys, first operators.",
        discussion: """
            Refuses where a store is already. Each operator gets a key and a certificate below operators/: hand them over \
            and delete them here. One person may not propose and approve; --lab-one-operator lifts that for a \
            laboratory, and every result then says so.

            EXAMPLES
              bootgate-verifier init --name verifier.example.net --name 192.0.2.10 \\
                  --operator alice:viewer,enroller,security-admin --operator bob:viewer,approver
              bootgate-verifier init --data-directory ./lab --name localhost --lab-one-operator \\
                  --operator lab:viewer,enroller,approver,security-admin,auditor,relying-party
            """)

    @Option(help: "Directory to make.") var dataDirectory = ConfigurationReader.defaultDataDirectory
    @Option(name: .customLong("name"), help: "DNS name or address under which clients reach the verifier; repeatable.")
    var names: [String]
    @Option(
        name: .customLong("operator"),
        help: "NAME:ROLE[,ROLE…]; repeatable. Roles: \(Role.allCases.map(\.rawValue).joined(separator: ", ")).")
    var operators: [String]
    @Flag(help: "Laboratory: one operator may propose and approve.") var labOneOperator = false

    struct Person {
        var name: String
        var roles: Set<Role>
    }

    func run() async throws {
        let names = try names.map { text in
            guard let name = ServerName(text) else { throw ValidationError("\(text) is no DNS name or address") }
            return name
        }
        guard !names.isEmpty else { throw ValidationError("--name is needed") }
        let people = try operators.map(Self.person)
        guard !people.isEmpty, Set(people.map(\.name)).count == people.count else {
            throw ValidationError("--operator is needed, each name once")
        }
        let data = DataDirectory(path: dataDirectory)
        guard !FileAccess.exists(data.store) else {
            StandardError.write("bootgate-verifier: \(data.store) exists; init never overwrites\n")
            throw ExitCode(ExitStatus.storeUnusable)
        }
        do {
            try FileAccess.makeDirectory(data.path)
            for directory in data.subdirectories { try FileAccess.makeDirectory(directory) }
            try makeKeys(data, names)
            try AuditKeyFile.create(path: data.auditKey)
            try SQLiteStore.create(path: data.store)
            try await fill(data, people)
        } catch let error as FileProblem {
            StandardError.write("bootgate-verifier: \(error)\n")
            throw ExitCode(ExitStatus.localPrecondition)
        } catch let error as StoreOpeningError {
            StandardError.write("bootgate-verifier: \(error)\n")
            throw ExitCode(ExitStatus.storeUnusable)
        }
        print("initialised \(data.path)")
        print("clients pin \(data.authorityCertificate(.server))")
        for person in people { print("operator \(person.name): \(data.operators)/\(person.name).{pem,key}") }
    }

    private static func person(_ text: String) throws -> Person {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, OperatorName.isSound(String(parts[0])) else {
            throw ValidationError("\(text) is not NAME:ROLE[,ROLE…]")
        }
        let roles = try parts[1].split(separator: ",").map { name in
            guard let role = Role(rawValue: String(name)) else { throw ValidationError("\(name) is no role") }
            return role
        }
        guard !roles.isEmpty else { throw ValidationError("\(text) names no role") }
        return Person(name: String(parts[0]), roles: Set(roles))
    }

    // MARK: Making

    private func makeKeys(_ data: DataDirectory, _ names: [ServerName]) throws {
        let now = Self.now()
        let instance = Hex.encode((0..<4).map { _ in UInt8.random(in: .min ... .max) })
        var authorities: [CertificateAuthority.Purpose: CertificateAuthority] = [:]
        for purpose in CertificateAuthority.Purpose.allCases {
            let key = P256.Signing.PrivateKey()
            let authority = try CertificateAuthority.create(purpose, instance: instance, key: key, nowMilliseconds: now)
            try FileAccess.create(data.authorityKey(purpose), key.pemRepresentation + "\n", mode: 0o600)
            try FileAccess.create(
                data.authorityCertificate(purpose), try CertificateEncoding.pem([authority.certificate]), mode: 0o644)
            authorities[purpose] = authority
        }
        guard let server = authorities[.server] else { return }
        let key = P256.Signing.PrivateKey()
        let certificate = try server.issue(
            .server(names, Certificate.PublicKey(key.publicKey), nowMilliseconds: now))
        try FileAccess.create(data.serverKey, key.pemRepresentation + "\n", mode: 0o600)
        try FileAccess.create(data.serverCertificate, try CertificateEncoding.pem([certificate]), mode: 0o644)
        try FileAccess.create(data.resultKey, P256.Signing.PrivateKey().pemRepresentation + "\n", mode: 0o600)
    }

    private func fill(_ data: DataDirectory, _ people: [Person]) async throws {
        let store = try SQLiteStore(path: data.store, auditKey: try AuditKeyFile.read(path: data.auditKey))
        let authority = try data.authority(.operator)
        let now = store.clock.now()
        var records: [OperatorRecord] = []
        for person in people {
            let key = P256.Signing.PrivateKey()
            let publicKey = Certificate.PublicKey(key.publicKey)
            let certificate = try authority.issue(.operatorKey(person.name, publicKey, nowMilliseconds: now))
            try FileAccess.create("\(data.operators)/\(person.name).key", key.pemRepresentation + "\n", mode: 0o600)
            try FileAccess.create(
                "\(data.operators)/\(person.name).pem", try CertificateEncoding.pem([certificate]), mode: 0o644)
            records.append(
                OperatorRecord(
                    name: person.name, roles: person.roles,
                    keySHA256: Hex.encode(SHA256.hash(data: try CertificateEncoding.spki(publicKey))), active: true,
                    addedBy: "init", addedAtMilliseconds: now))
        }
        let made = records
        let labMode = labOneOperator
        try await store.write { transaction in
            for record in made { try transaction.save(record) }
            try transaction.set(StoredSetting.labMode, to: labMode ? "true" : "false")
            try transaction.audit(
                AuditEntry(
                    actor: "verifier", action: "verifier.init", subject: nil, outcome: "success",
                    detail: [
                        "operators": made.map(\.name).sorted().joined(separator: ","), "lab-mode": "\(labMode)",
                    ]))
        }
    }

    private static func now() -> Int64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}

/// `[A-Za-z0-9][A-Za-z0-9._-]{0,62}`, the form that the API takes.
enum OperatorName {
    static func isSound(_ name: String) -> Bool {
        guard let first = name.utf8.first, name.utf8.count <= 63, isAlphanumeric(first) else { return false }
        return name.utf8.allSatisfy {
            isAlphanumeric($0) || [UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-")].contains($0)
        }
    }
    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20)
    }
}

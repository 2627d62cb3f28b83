import Admission
import AttestationMessages
import Crypto
import Dispatch
import Foundation
import NIOCore
import NIOSSL
import ServiceLifecycle
import SoftwareTPM
import SwiftASN1
import VerifierAPI
import X509

/// The listeners on private ports of the loopback address, with CAs of their own and client certificates as PEM files.
final class LiveVerifier: Sendable {
    static let now: Int64 = Int64(Date().timeIntervalSince1970 * 1000)
    /// Tests share a loaded machine: only tests of a deadline have a short one.
    static let generous = Deadlines(handshake: .minutes(2), head: .minutes(2), body: .minutes(2))
    let fake: FakeUseCases
    let directory: TemporaryDirectory
    let tls: ReloadableTLS
    let authorities: [CertificateAuthority.Purpose: CertificateAuthority]
    let ports: [ListenerKind: Int]

    private init(
        fake: FakeUseCases, directory: TemporaryDirectory, tls: ReloadableTLS,
        authorities: [CertificateAuthority.Purpose: CertificateAuthority], ports: [ListenerKind: Int]
    ) {
        self.fake = fake
        self.directory = directory
        self.tls = tls
        self.authorities = authorities
        self.ports = ports
    }

    static func run<Value: Sendable>(
        roles: [String: Set<Role>] = ["alice": [.viewer]], deadlines: Deadlines = generous,
        caps: ConnectionLimiter.Caps = .init(), _ body: @Sendable @escaping (LiveVerifier) async throws -> Value
    ) async throws -> Value {
        let directory = try TemporaryDirectory()
        let fake = FakeUseCases(roles: roles)
        var authorities: [CertificateAuthority.Purpose: CertificateAuthority] = [:]
        for purpose in CertificateAuthority.Purpose.allCases {
            authorities[purpose] = try CertificateAuthority.create(
                purpose, instance: "test", key: P256.Signing.PrivateKey(), nowMilliseconds: now)
        }
        let made = authorities
        let tls = try ReloadableTLS(try material(made))
        let loopback = ServerSettings.Address(host: "127.0.0.1", port: 0)
        let (listening, announce) = AsyncStream<(ListenerKind, Int)>.makeStream()
        let servers = VerifierServers(
            settings: ServerSettings(
                main: loopback, enrollment: loopback, loopback: loopback, deadlines: deadlines, caps: caps),
            useCases: APIFixture.useCases(fake), tls: tls, metrics: MetricsRegistry(), logger: APIFixture.logger,
            now: { now }, onListening: { announce.yield(($0, $1)) })
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(services: servers.services, logger: APIFixture.logger))
        return try await withThrowingTaskGroup(of: Value?.self) { tasks in
            tasks.addTask {
                try await group.run()
                return nil
            }
            tasks.addTask {
                var ports: [ListenerKind: Int] = [:]
                for await (listener, port) in listening {
                    ports[listener] = port
                    if ports.count == 3 { break }
                }
                let live = LiveVerifier(fake: fake, directory: directory, tls: tls, authorities: made, ports: ports)
                try live.writeFiles()
                let result = await Result { try await body(live) }
                await group.triggerGracefulShutdown()
                return try result.get()
            }
            var value: Value?
            for try await result in tasks { value = value ?? result }
            return value!
        }
    }

    /// A server certificate of the server CA for 127.0.0.1 and localhost, and the roots of peers.
    static func material(_ authorities: [CertificateAuthority.Purpose: CertificateAuthority]) throws -> TLSMaterial {
        let key = P256.Signing.PrivateKey()
        let names = ["localhost", "127.0.0.1"].compactMap(ServerName.init)
        let certificate = try authorities[.server]!.issue(
            .server(names, Certificate.PublicKey(key.publicKey), nowMilliseconds: now))
        return TLSMaterial(
            certificateChain: [
                try NIOSSLCertificate(bytes: try CertificateEncoding.der(certificate), format: .der)
            ], privateKey: try NIOSSLPrivateKey(bytes: Array(key.pemRepresentation.utf8), format: .pem),
            trust: PeerTrust(
                nodeRoots: [authorities[.identity]!.certificate], operatorRoots: [authorities[.operator]!.certificate]))
    }

    private func writeFiles() throws {
        try directory.write(
            Array(try CertificateEncoding.pem([authorities[.server]!.certificate]).utf8), to: "server-ca.pem")
        try issue("n1", by: .identity) { .identity(NodeID("n1")!, $0, nowMilliseconds: Self.now) }
        try issue("alice", by: .operator) { .operatorKey("alice", $0, nowMilliseconds: Self.now) }
        try writeSelfSigned("self", P256.Signing.PrivateKey())
    }

    /// Writes `NAME.pem` and `NAME.key`.
    func issue(
        _ name: String, by purpose: CertificateAuthority.Purpose, _ profile: (Certificate.PublicKey) -> LeafProfile
    ) throws {
        let key = P256.Signing.PrivateKey()
        try write(name, authorities[purpose]!.issue(profile(Certificate.PublicKey(key.publicKey))), key)
    }

    func write(_ name: String, _ certificate: Certificate, _ key: P256.Signing.PrivateKey) throws {
        try directory.write(Array(try CertificateEncoding.pem([certificate]).utf8), to: "\(name).pem")
        try directory.write(Array(key.pemRepresentation.utf8), to: "\(name).key")
    }

    /// - Parameter signer: another key than the certificate's makes a certificate that is not self-signed.
    func writeSelfSigned(_ name: String, _ key: P256.Signing.PrivateKey, signer: P256.Signing.PrivateKey? = nil) throws
    {
        let subject = try DistinguishedName { CommonName(name) }
        let certificate = try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: .init(key.publicKey),
            // A node's clock may be dead: the dates say nothing.
            notValidBefore: Date(timeIntervalSince1970: 0), notValidAfter: Date(timeIntervalSince1970: 1000),
            issuer: subject, subject: subject, signatureAlgorithm: .ecdsaWithSHA256,
            extensions: Certificate.Extensions(), issuerPrivateKey: .init(signer ?? key))
        try write(name, certificate, key)
    }

    // MARK: Clients

    func url(_ path: String, _ listener: ListenerKind = .main) -> String {
        "\(listener == .loopback ? "http" : "https")://127.0.0.1:\(ports[listener] ?? 0)\(path)"
    }

    /// curl's exit status, the HTTP status (0 without one) and the body.
    func curl(
        _ path: String, _ listener: ListenerKind = .main, as name: String?, _ arguments: [String] = []
    ) async throws -> (exit: Int32, status: Int, body: String) {
        let identity = name.map { ["--cert", directory.file("\($0).pem"), "--key", directory.file("\($0).key")] } ?? []
        let result = try await Self.process(
            "curl",
            ["-sS", "--max-time", "60", "--cacert", directory.file("server-ca.pem"), "-w", "\n%{http_code}"] + identity
                + arguments + [url(path, listener)])
        let lines = result.text.split(separator: "\n", omittingEmptySubsequences: false)
        return (result.status, Int(lines.last ?? "") ?? 0, lines.dropLast().joined(separator: "\n"))
    }

    /// Sends bytes over TLS and gives all that came back until the server closed.
    func exchange(_ bytes: [UInt8], _ listener: ListenerKind = .main, as name: String?, _ arguments: [String] = [])
        async throws -> String
    {
        let identity = name.map { ["-cert", directory.file("\($0).pem"), "-key", directory.file("\($0).key")] } ?? []
        return try await Self.process(
            "openssl",
            [
                "s_client", "-connect", "127.0.0.1:\(ports[listener] ?? 0)", "-CAfile", directory.file("server-ca.pem"),
                "-ign_eof", "-nocommands",
            ] + identity + arguments, input: bytes
        ).text
    }

    /// Waits for what is written beside the request; the deadline is only there so that a broken test ends.
    func eventually(_ condition: () -> Bool) async throws {
        let end = ContinuousClock.now + .seconds(90)
        while !condition() {
            guard ContinuousClock.now < end else { throw DeadlinePassed() }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    struct DeadlinePassed: Error {}

    /// Blocking work off the cooperative pool.
    static func onThread(_ body: @escaping @Sendable () -> Void) async {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                body()
                continuation.resume()
            }
        }
    }

    /// Off the cooperative pool, whose threads serve the requests.
    static func process(_ program: String, _ arguments: [String], input: [UInt8] = []) async throws -> ProcessResult {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async {
                continuation.resume(with: Result { try runProcess(program, arguments, input: input) })
            }
        }
    }
}

extension Result where Failure == any Error {
    fileprivate init(_ body: () async throws -> Success) async {
        do { self = .success(try await body()) } catch { self = .failure(error) }
    }
}

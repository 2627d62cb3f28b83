import Foundation
import Glibc
import SoftwareTPM

/// rsyslog with TLS and client certificates, its own CA and a private port.
final class RealSyslog: Sendable {
    let directory: TemporaryDirectory
    let port: Int
    static let available = isInstalled("rsyslogd") && isInstalled("openssl")

    init() throws {
        directory = try TemporaryDirectory()
        port = try freePort()
        for ca in ["ca", "other-ca"] {
            try certificate(ca, issuer: nil, extensions: "basicConstraints=critical,CA:TRUE")
        }
        try certificate("server", issuer: "ca", extensions: "subjectAltName=DNS:siem.test\nextendedKeyUsage=serverAuth")
        try certificate(
            "client", issuer: "ca", extensions: "subjectAltName=DNS:bootgate-verifier\nextendedKeyUsage=clientAuth")
        try certificate(
            "stranger", issuer: "ca", extensions: "subjectAltName=DNS:stranger\nextendedKeyUsage=clientAuth")
        let configuration = """
            global(workDirectory="\(directory.path)" net.enableDNS="off"
                   defaultNetstreamDriverCAFile="\(directory.file("ca.pem"))"
                   defaultNetstreamDriverCertFile="\(directory.file("server.pem"))"
                   defaultNetstreamDriverKeyFile="\(directory.file("server.key"))")
            module(load="imtcp" streamDriver.name="gtls" streamDriver.mode="1" streamDriver.authMode="x509/name"
                   permittedPeer=["bootgate-verifier"])
            input(type="imtcp" port="\(port)" address="127.0.0.1")
            template(name="line" type="string" string="%syslogseverity% %msgid% %structured-data% %msg%\\n")
            *.* action(type="omfile" file="\(directory.file("received"))" template="line")

            """
        try directory.write(configuration.utf8, to: "rsyslog.conf")
        try directory.write([], to: "received")
    }

    func start() throws -> SpawnedProcess {
        try SpawnedProcess(
            "rsyslogd", ["-n", "-f", directory.file("rsyslog.conf"), "-i", directory.file("rsyslog.pid")],
            outputPath: directory.file("rsyslog.log"))
    }

    /// Ids of the received events in order, without rsyslog's own messages.
    func receivedIDs() throws -> [String] {
        String(decoding: try directory.read("received"), as: UTF8.self).split(separator: "\n").compactMap { line in
            guard let start = line.range(of: "[bootgate@32473 id=\"")?.upperBound else { return nil }
            return String(line[start...].prefix { $0 != "\"" })
        }
    }

    private func certificate(_ name: String, issuer: String?, extensions: String) throws {
        let key = directory.file("\(name).key")
        try runProcessSuccessfully(
            "openssl", ["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key])
        try directory.write(extensions.utf8, to: "\(name).ext")
        try runProcessSuccessfully(
            "openssl", ["req", "-new", "-key", key, "-subj", "/CN=\(name)", "-out", directory.file("\(name).csr")])
        let signer =
            issuer.map {
                ["-CA", directory.file("\($0).pem"), "-CAkey", directory.file("\($0).key"), "-CAcreateserial"]
            }
            ?? ["-signkey", key]
        try runProcessSuccessfully(
            "openssl",
            ["x509", "-req", "-days", "3650", "-in", directory.file("\(name).csr")] + signer
                + ["-extfile", directory.file("\(name).ext"), "-out", directory.file("\(name).pem")])
    }
}

/// A port that was free a moment ago.
func freePort() throws -> Int {
    let listener = try LoopbackSocket.listen(port: 0)
    defer { close(listener) }
    return try LoopbackSocket.port(of: listener)
}

enum LoopbackSocket {
    static func listen(port: Int) throws -> Int32 {
        let number = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var one: Int32 = 1
        setsockopt(number, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<Int32>.size))
        var address = self.address(port)
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(number, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard bound == 0, Glibc.listen(number, 64) == 0 else { throw ProcessError.system(call: "bind", errno: errno) }
        return number
    }

    static func connect(port: Int) -> Int32? {
        let number = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = self.address(port)
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(number, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        if connected == 0 { return number }
        close(number)
        return nil
    }

    static func port(of listener: Int32) throws -> Int {
        var address = sockaddr_in()
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(listener, $0, &size) }
        }
        guard result == 0 else { throw ProcessError.system(call: "getsockname", errno: errno) }
        return Int(UInt16(bigEndian: address.sin_port))
    }

    private static func address(_ port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }
}

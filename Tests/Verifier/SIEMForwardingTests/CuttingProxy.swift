import Dispatch
import Glibc
import SoftwareTPM
import Synchronization

/// Relays connections and cuts them with RST after so many bytes of the client. Ends of streams pass unchanged: FIN as
/// FIN, RST as RST.
final class CuttingProxy: Sendable {
    let port: Int
    private let listener: Int32
    private let cuts: Mutex<[Int]>
    private let made = Mutex(0)

    /// - Parameter cuts: for the first connections, in order, after how many bytes each ends.
    init(to target: Int, cuts: [Int]) throws {
        listener = try LoopbackSocket.listen(port: 0)
        port = try LoopbackSocket.port(of: listener)
        self.cuts = Mutex(cuts)
        let listener = listener
        DispatchQueue(label: "proxy").async { [weak self] in
            while true {
                let client = accept(listener, nil, nil)
                guard client >= 0 else { break }
                guard let self, let server = LoopbackSocket.connect(port: target) else {
                    Self.reset(client)
                    continue
                }
                let cut = self.cuts.withLock { $0.isEmpty ? nil : $0.removeFirst() }
                DispatchQueue(label: "proxy.pair").async { [weak self] in
                    if Self.relay(client, server, cutAfter: cut) { self?.made.withLock { $0 += 1 } }
                }
            }
            close(listener)
        }
    }

    var cutsMade: Int { made.withLock { $0 } }

    deinit { shutdown(listener, Int32(SHUT_RDWR)) }

    /// - Returns: true when the connection was cut.
    private static func relay(_ client: Int32, _ server: Int32, cutAfter limit: Int?) -> Bool {
        var chunk = [UInt8](repeating: 0, count: 4_096)
        var relayed = 0
        var clientOpen = true
        while true {
            var events = [
                pollfd(fd: clientOpen ? client : -1, events: Int16(POLLIN), revents: 0),
                pollfd(fd: server, events: Int16(POLLIN), revents: 0),
            ]
            guard poll(&events, 2, -1) > 0 else { continue }
            if events[0].revents != 0 {
                let count = read(client, &chunk, chunk.count)
                relayed += max(count, 0)
                if let limit, relayed > limit {
                    reset(client)
                    reset(server)
                    return true
                }
                if count == 0 {
                    clientOpen = false
                    shutdown(server, Int32(SHUT_WR))
                } else if count < 0 || !write(Array(chunk[..<count]), to: server) {
                    break
                }
            }
            if events[1].revents != 0 {
                let count = read(server, &chunk, chunk.count)
                if count == 0 {
                    close(client)
                    close(server)
                    return false
                }
                if count < 0 || !write(Array(chunk[..<count]), to: client) { break }
            }
        }
        reset(client)
        reset(server)
        return false
    }

    private static func write(_ bytes: [UInt8], to socket: Int32) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    static func reset(_ socket: Int32) {
        var atOnce = linger(l_onoff: 1, l_linger: 0)
        setsockopt(socket, SOL_SOCKET, SO_LINGER, &atOnce, socklen_t(MemoryLayout<linger>.size))
        close(socket)
    }
}

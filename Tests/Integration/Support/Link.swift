import Dispatch
import Glibc
import SoftwareTPM
import Synchronization

/// The line between nodes and a verifier, as TCP: it can be cut, and it counts flights (all bytes in one direction until
/// the other side speaks), so that a test can act between two of them.
final class Link: Sendable {
    private struct State {
        var isCut = false
        var sockets: Set<Int32> = []
        var isStopped = false
        var connections = 0
    }

    let port: Int
    private let target: Int
    private let listener: Int32
    private let flights: Flights?
    private let state = Mutex(State())

    /// - Parameter flights: where the flights of this and other links are counted.
    init(to target: Int, flights: Flights? = nil) throws {
        self.target = target
        self.flights = flights
        (listener, port) = try Self.listen()
        let descriptor = listener
        DispatchQueue(label: "link.accept").async { [weak self] in
            while true {
                let client = accept(descriptor, nil, nil)
                guard client >= 0, let self, !self.state.withLock({ $0.isStopped }) else {
                    if client >= 0 { close(client) }
                    break
                }
                self.serve(client)
            }
            close(descriptor)
        }
    }

    /// Connections that clients opened so far.
    var connectionCount: Int { state.withLock { $0.connections } }

    /// Ends every connection; new ones are taken, and what is sent on them goes nowhere.
    func cut() { setCut(true) }
    func restore() { setCut(false) }

    private func setCut(_ isCut: Bool) {
        state.withLock { state in
            state.isCut = isCut
            for socket in state.sockets { shutdown(socket, Int32(SHUT_RDWR)) }
        }
    }

    func stop() {
        state.withLock { state in
            guard !state.isStopped else { return }
            state.isStopped = true
            for socket in state.sockets { shutdown(socket, Int32(SHUT_RDWR)) }
            shutdown(listener, Int32(SHUT_RDWR))
        }
    }

    deinit { stop() }

    // MARK: Bytes

    private func serve(_ client: Int32) {
        let isCut = state.withLock { state in
            state.connections += 1
            state.sockets.insert(client)
            return state.isCut
        }
        let server = isCut ? -1 : Self.connect(to: target)
        if server >= 0 { state.withLock { _ = $0.sockets.insert(server) } }
        let ends = PairEnds { [weak self] in
            self?.state.withLock { state in
                state.sockets.remove(client)
                state.sockets.remove(server)
            }
            close(client)
            if server >= 0 { close(server) }
        }
        // Threads of their own: they block, and must not hold the cooperative pool.
        for (from, into, side) in [(client, server, Flights.Side.node), (server, client, .verifier)] where from >= 0 {
            ends.add()
            DispatchQueue(label: "link.\(side)").async { [flights] in
                var buffer = [UInt8](repeating: 0, count: 65_536)
                while true {
                    let count = read(from, &buffer, buffer.count)
                    guard count > 0 else { break }
                    guard into >= 0 else { continue }
                    flights?.begin(side)
                    guard Self.write(buffer.prefix(count), to: into) else { break }
                }
                shutdown(from, Int32(SHUT_RDWR))
                if into >= 0 { shutdown(into, Int32(SHUT_RDWR)) }
                ends.remove()
            }
        }
    }

    private static func write(_ bytes: ArraySlice<UInt8>, to socket: Int32) -> Bool {
        var rest = bytes
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    // MARK: Sockets

    private static func loopback(_ port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }

    private static func newSocket() -> Int32 {
        socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    }

    private static func withAddress<Result>(
        _ address: inout sockaddr_in, _ body: (UnsafeMutablePointer<sockaddr>, inout socklen_t) -> Result
    ) -> Result {
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        return withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, &length) }
        }
    }

    private static func listen() throws -> (Int32, Int) {
        let descriptor = newSocket()
        var address = loopback(0)
        let bound = withAddress(&address) { pointer, length in
            bind(descriptor, pointer, length) == 0 && Glibc.listen(descriptor, 64) == 0
                && getsockname(descriptor, pointer, &length) == 0
        }
        guard bound else { throw LaboratoryError("no port for a link") }
        return (descriptor, Int(UInt16(bigEndian: address.sin_port)))
    }

    /// Whether something listens there.
    static func accepts(_ port: Int) -> Bool {
        let descriptor = connect(to: port)
        if descriptor >= 0 { close(descriptor) }
        return descriptor >= 0
    }

    private static func connect(to port: Int) -> Int32 {
        let descriptor = newSocket()
        var address = loopback(port)
        if withAddress(&address, { Glibc.connect(descriptor, $0, $1) == 0 }) { return descriptor }
        close(descriptor)
        return -1
    }
}

/// Closes both sockets of a connection once nobody reads from either.
private final class PairEnds: Sendable {
    private let count = Mutex(0)
    private let close: @Sendable () -> Void
    init(_ close: @escaping @Sendable () -> Void) { self.close = close }
    func add() { count.withLock { $0 += 1 } }
    func remove() {
        if count.withLock({
            $0 -= 1; return $0 == 0
        }) {
            close()
        }
    }
}

/// Flights over one or more links, in the order in which they began.
final class Flights: Sendable {
    enum Side { case node, verifier }
    private struct State {
        var count = 0
        var last: Side?
        var action: (after: Int, run: @Sendable () -> Void)?
    }
    private let state = Mutex(State())

    var count: Int { state.withLock { $0.count } }

    /// Counts anew, and runs `action` once when flight `after` has ended and the next one is held in the line: what was
    /// sent has been acted on, what comes next has not arrived.
    func arm(after: Int, _ action: @escaping @Sendable () -> Void) {
        state.withLock { $0 = State(action: (after, action)) }
    }

    fileprivate func begin(_ side: Side) {
        let action = state.withLock { state -> (@Sendable () -> Void)? in
            guard state.last != side else { return nil }
            state.last = side
            state.count += 1
            guard let action = state.action, state.count > action.after else { return nil }
            state.action = nil
            return action.run
        }
        action?()
    }
}

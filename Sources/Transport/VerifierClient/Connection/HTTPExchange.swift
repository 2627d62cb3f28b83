internal import Synchronization

/// One request. `path` begins with a slash and is already percent-encoded.
struct HTTPRequest: Sendable {
    enum Method: String, Sendable {
        case get = "GET"
        case post = "POST"
        case put = "PUT"
        case delete = "DELETE"
    }
    var method: Method
    var path: String
    var body: [UInt8]?
    var contentType = "application/json"
    /// Bytes of the reply's body at which the connection is cut.
    var replyLimit: Int
    var timeoutSeconds: Int
}

struct HTTPReply: Sendable {
    var status: Int
    var body: [UInt8]
    var retryAfterSeconds: Int?
}

/// Lets a cancelled task stop a transfer that another thread runs.
final class TransferCancellation: Sendable {
    private let flag = Atomic(false)
    var isCancelled: Bool { flag.load(ordering: .relaxed) }
    func cancel() { flag.store(true, ordering: .relaxed) }
}

/// Collects a reply's body up to a limit.
final class ReplyCollector {
    private(set) var bytes: [UInt8] = []
    private(set) var isOverLimit = false
    private let limit: Int
    let cancellation: TransferCancellation

    init(limit: Int, cancellation: TransferCancellation) {
        self.limit = limit
        self.cancellation = cancellation
    }

    /// - Returns: false when the limit would be passed; nothing is kept then.
    func append(_ chunk: UnsafeRawBufferPointer) -> Bool {
        guard chunk.count <= limit - bytes.count else {
            isOverLimit = true
            return false
        }
        unsafe bytes.append(contentsOf: chunk)
        return true
    }
}

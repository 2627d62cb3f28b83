internal import NIOCore

/// Runs the tasks that serve one connection on the event loop that reads and writes its bytes: a request then changes
/// threads only where it waits for the store's writer. Each change costs more than the parsing of a message.
///
/// What may compute for long leaves it for the global pool, because all connections of a loop wait meanwhile: routes that are
/// not ``Route/staysOnConnection``, boots that were not judged before, and measurement lists.
final class ConnectionExecutor: TaskExecutor {
    private let loop: any EventLoop

    init(_ loop: any EventLoop) { self.loop = loop }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        loop.execute { unsafe job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}

internal import NIOCore

/// Runs the tasks that serve one connection on the event loop that reads and writes its bytes: a request then changes
/// threads only where it waits for the store's writer. Each change costs more than the parsing of a message.
///
/// Tasks that compute for long leave it with ``Executor/globalConcurrentExecutor`` as their preference, because all
/// connections of a loop wait meanwhile.
final class ConnectionExecutor: TaskExecutor {
    private let loop: any EventLoop

    init(_ loop: any EventLoop) { self.loop = loop }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        loop.execute { unsafe job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}

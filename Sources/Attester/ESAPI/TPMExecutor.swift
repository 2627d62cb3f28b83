internal import Dispatch

/// The thread of one ``TPM``: its calls block in the TPM for up to seconds, which the cooperative pool must not.
final class TPMExecutor: SerialExecutor {
    private let queue = DispatchQueue(label: "bootgate.tpm")

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { unsafe job.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }

    func asUnownedSerialExecutor() -> UnownedSerialExecutor { unsafe UnownedSerialExecutor(ordinary: self) }

    func checkIsolated() { dispatchPrecondition(condition: .onQueue(queue)) }
}

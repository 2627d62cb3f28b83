/// How often and after which pauses a command is sent again that the TPM answered with RETRY, YIELDED or TESTING.
///
/// tpm2-tss itself resubmits five times without a pause; each attempt here is such a run of six.
package struct RetryPolicy: Hashable, Sendable {
    /// Pauses in milliseconds, one before each further attempt.
    package let pausesMilliseconds: [UInt32]

    package init(pausesMilliseconds: [UInt32]) { self.pausesMilliseconds = pausesMilliseconds }

    /// About seven seconds in all: longer than a TPM's self-test, shorter than a nonce's life.
    package static let standard = RetryPolicy(
        pausesMilliseconds: [5, 10, 20, 40, 80, 160, 320, 640, 1_000, 1_000, 1_000, 1_000, 1_000, 1_000])
}

internal import ByteParsing
package import Hummingbird

/// A request's context: Hummingbird's core and the request's reference.
package struct APIRequestContext: RequestContext {
    package var coreContext: CoreRequestContextStorage
    /// In the log, and in a refusal's body. Made here: Hummingbird reads its own id back from the logger and traps where a
    /// log handler keeps no metadata.
    let reference: String

    package init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        var number = UInt64.random(in: .min ... .max)
        reference = Hex.encode(
            (0..<8).map { _ in
                defer { number >>= 8 }
                return UInt8(truncatingIfNeeded: number)
            })
    }
}

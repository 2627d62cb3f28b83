package import Hummingbird
internal import Logging

/// A request's context: Hummingbird's core, nothing else.
package struct APIRequestContext: RequestContext {
    package var coreContext: CoreRequestContextStorage
    package init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
    }

    /// The request's id: in the log, and the reference in a refusal.
    var reference: String { id }
}

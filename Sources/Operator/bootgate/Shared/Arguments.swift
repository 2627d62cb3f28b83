public import ArgumentParser
public import AssetFingerprints
public import AttestationMessages
import VerifierClient

extension NodeID: ExpressibleByArgument {
    public init?(argument: String) { self.init(argument) }
}

extension NodeState: ExpressibleByArgument {}
extension PlanNodeStatus: ExpressibleByArgument {}
extension Role: ExpressibleByArgument {}

extension FingerprintKind: ExpressibleByArgument {
    public init?(argument: String) { self.init(slug: argument) }
    public static var allValueStrings: [String] { allCases.map(\.slug) }
}

/// Follows the cursors of a listing to its end, so that no verb shows half a list.
func allPages<Item: Sendable>(
    limit: Int? = nil, _ page: (String?) async throws -> Page<Item>
) async throws -> Page<Item> {
    var items: [Item] = []
    var cursor: String?
    repeat {
        let next = try await page(cursor)
        items += next.items
        cursor = next.nextCursor
        if let limit, items.count >= limit { return Page(items: Array(items.prefix(limit)), nextCursor: cursor) }
    } while cursor != nil
    return Page(items: items)
}

/// How many items of a listing are wanted.
struct ItemLimit: ExpressibleByArgument {
    /// The most that the verifier gives in one page.
    private static let pageSize = 500
    let count: Int

    init(_ count: Int) { self.count = count }

    init?(argument: String) {
        guard let count = Int(argument), (1...1_000_000).contains(count) else { return nil }
        self.count = count
    }

    var defaultValueDescription: String { String(count) }
    func page(after cursor: String?) -> Listing { Listing(cursor: cursor, limit: min(count, Self.pageSize)) }
}

/// Which nodes a bulk verb means: one named, or a selector. Exactly one form must be given.
struct NodeSelection: ParsableArguments {
    @Argument(help: "Node ids.")
    var nodes: [NodeID] = []
    @Option(help: "All nodes of this site.")
    var site: String?
    @Option(help: "All nodes of this group.")
    var group: String?
    @Option(help: "All nodes in this state.")
    var state: NodeState?
    @Flag(help: "All nodes.")
    var all = false

    func validate() throws {
        let selects = site != nil || group != nil || state != nil || all
        if nodes.isEmpty, !selects {
            throw ValidationError("name nodes, or select with --site, --group, --state or --all")
        }
        if !nodes.isEmpty, selects { throw ValidationError("node ids and selectors exclude each other") }
    }
}

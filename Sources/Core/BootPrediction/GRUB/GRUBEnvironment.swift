/// GRUB's variables (grub-core/kern/env.c, normal/context.c): `configfile` and submenus open a context that sees exported
/// variables only and whose changes end with it.
struct GRUBEnvironment {
    enum Value: Hashable, Sendable {
        case known([UInt8])
        /// Set by something that only the machine knows.
        case unknown(String)
    }

    private struct Context {
        var values: [String: Value] = [:]
        var exported: Set<String> = []
        var menu: [GRUBMenuEntry] = []
    }

    private var contexts = [Context()]
    /// Real configurations open three.
    static let maximumDepth = 16
    var depth: Int { contexts.count }

    /// Features that GRUB 2.06 announces (normal/main.c).
    private static let features = [
        "feature_chainloader_bpb", "feature_ntldr", "feature_platform_search_hint", "feature_default_font_path",
        "feature_all_video_module", "feature_menuentry_id", "feature_menuentry_options", "feature_200_final",
        "feature_nativedisk_cmd", "feature_timeout_style",
    ]

    init(cpu: String) {
        for name in Self.features { set(name, "y", exported: true) }
        set("grub_platform", "efi", exported: true)
        set("grub_cpu", cpu, exported: true)
        export("root")
        export("prefix")
    }

    private mutating func set(_ name: String, _ value: String, exported: Bool) {
        self[name] = .known(Array(value.utf8))
        if exported { export(name) }
    }

    subscript(name: String) -> Value? {
        get { contexts[contexts.count - 1].values[name] }
        set { contexts[contexts.count - 1].values[name] = newValue }
    }

    var menu: [GRUBMenuEntry] {
        get { contexts[contexts.count - 1].menu }
        set { contexts[contexts.count - 1].menu = newValue }
    }

    mutating func export(_ name: String) { contexts[contexts.count - 1].exported.insert(name) }

    mutating func open() {
        let outer = contexts[contexts.count - 1]
        contexts.append(
            Context(values: outer.values.filter { outer.exported.contains($0.key) }, exported: outer.exported))
    }

    mutating func close() {
        guard contexts.count > 1 else { return }
        contexts.removeLast()
    }
}

struct GRUBMenuEntry: Hashable, Sendable {
    var title: [UInt8]
    var id: [UInt8]
    var isSubmenu: Bool
    /// The parameters of its block: `$1`, ….
    var arguments: [[UInt8]]
    var source: [UInt8]
    /// Where the block starts.
    var file: String
    var line: Int
}

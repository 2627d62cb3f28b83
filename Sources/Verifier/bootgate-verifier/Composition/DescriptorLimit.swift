internal import Glibc

/// How many files this process may have open. A login shell's usual 1,024 would end the service at a thousand nodes.
enum DescriptorLimit {
    /// For the store, keys, logs and the SIEM beside the connections.
    static let reserved = 256

    /// Raises the limit to what the system allows this process.
    /// - Returns: the number of connections that fit below it; nil where the limit cannot be read.
    static func raise() -> Int? {
        let files = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        var limit = rlimit()
        guard unsafe getrlimit(files, &limit) == 0 else { return nil }
        if limit.rlim_cur < limit.rlim_max {
            var wanted = limit
            wanted.rlim_cur = limit.rlim_max
            if unsafe setrlimit(files, &wanted) == 0 { limit = wanted }
        }
        return max(1, Int(clamping: limit.rlim_cur) - reserved)
    }
}

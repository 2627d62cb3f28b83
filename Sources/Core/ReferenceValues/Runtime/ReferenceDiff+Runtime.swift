internal import TPMCryptography

extension ReferenceDiff {
    /// Lists are compared as sets of lines, byte by byte: a path in another Unicode form is another path.
    mutating func runtime(_ before: ReferenceSet.Runtime?, _ after: ReferenceSet.Runtime?) {
        guard before != after else { return }
        scalar("minimumEntries", before.map { String($0.minimumEntries) }, after.map { String($0.minimumEntries) })
        scalar("paddedSHA1", before?.paddedSHA1.map(String.init), after?.paddedSHA1.map(String.init))
        lines("files", before?.files, after?.files)
        lines("buffers", before?.buffers, after?.buffers)
        lists(before, after)
        let (old, new) = (before?.signers ?? [], after?.signers ?? [])
        for signer in old where !new.contains(signer) { runtime("signers", signer.name, Self.text(signer), nil) }
        for signer in new where !old.contains(signer) { runtime("signers", signer.name, nil, Self.text(signer)) }
    }

    private mutating func lists(_ before: ReferenceSet.Runtime?, _ after: ReferenceSet.Runtime?) {
        let pairs: [(String, [String]?, [String]?)] = [
            ("digests", before?.digests, after?.digests), ("exclude", before?.exclude, after?.exclude),
            ("violations", before?.violations, after?.violations),
            ("ignoredBuffers", before?.ignoredBuffers, after?.ignoredBuffers),
            ("policies", before?.policies, after?.policies), ("kexec", before?.kexec, after?.kexec),
        ]
        for (name, old, new) in pairs {
            let (removed, added) = Self.difference(old, new)
            for line in removed { runtime(name, line, line, nil) }
            for line in added { runtime(name, line, nil, line) }
        }
    }

    /// A path whose accepted contents differ is one change.
    private mutating func lines(_ name: String, _ before: [String]?, _ after: [String]?) {
        let (removed, added) = Self.difference(before, after)
        let old = Self.byPath(removed)
        let new = Self.byPath(added)
        for path in Set(old.keys).union(new.keys).sorted(by: { $0.lexicographicallyPrecedes($1) }) {
            runtime(
                name, String(decoding: path, as: UTF8.self), old[path]?.joined(separator: " or "),
                new[path]?.joined(separator: " or "))
        }
    }

    /// In the order of the lists.
    private static func difference(_ before: [String]?, _ after: [String]?) -> (removed: [String], added: [String]) {
        let old = Set((before ?? []).map { Array($0.utf8) })
        let new = Set((after ?? []).map { Array($0.utf8) })
        return (
            (before ?? []).filter { !new.contains(Array($0.utf8)) },
            (after ?? []).filter { !old.contains(Array($0.utf8)) }
        )
    }

    private static func byPath(_ lines: [String]) -> [[UInt8]: [String]] {
        var paths: [[UInt8]: [String]] = [:]
        for line in lines {
            guard let parsed = ReferenceLine(line) else { continue }
            paths[parsed.path, default: []].append(parsed.digest.description)
        }
        return paths
    }

    private static func text(_ signer: ReferenceSet.Runtime.Signer) -> String {
        let key = (try? RuntimeSigner(signer))?.key.summary ?? "unreadable key"
        return
            "\(key)\(signer.certificate == nil ? "" : " certificate") for \(signer.paths?.joined(separator: " ") ?? "all paths")"
    }

    private mutating func scalar(_ name: String, _ before: String?, _ after: String?) {
        guard before != after else { return }
        runtime(name, name, before, after)
    }

    private mutating func runtime(_ list: String, _ name: String, _ before: String?, _ after: String?) {
        changes.append(
            Change(
                kind: before == nil ? .added : after == nil ? .removed : .changed, place: "runtime \(list)",
                pcr: LayerID.measurementListPCR, name: name, before: before, after: after))
    }
}

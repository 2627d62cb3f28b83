extension ReferenceSetLint {
    /// Patterns of one list.
    static let maximumPatterns = 1024
    static let maximumSigners = 256
    static let entryCounts = 2...1_000_000
    /// Problems that are reported of one list.
    private static let maximumProblems = 16

    static func glob(_ pattern: String, _ path: String) throws(ReferenceSetProblem) -> PathGlob {
        do throws(ReferenceSetProblem) {
            return try PathGlob(pattern)
        } catch {
            throw ReferenceSetProblem(code: error.code, path: path, detail: error.detail)
        }
    }

    /// The section and the layer come together, and PCR 10 has no rule beside it: the list judges it.
    mutating func runtime() {
        let isListed = set.layers.contains { $0.id == LayerID.runtime.rawValue }
        guard let runtime = set.runtime else { return }
        if !isListed, !isChild {
            report(ReferenceSetProblem.schema, "runtime", "the layer runtime is not listed, so nothing would be judged")
        }
        if let index = set.pcrs.firstIndex(where: { $0.pcr == LayerID.measurementListPCR }) {
            report(
                ReferenceSetProblem.schema, "pcrs[\(index)].pcr",
                "PCR \(LayerID.measurementListPCR) is judged by the measurement list (section runtime), not by a rule")
        }
        if !Self.entryCounts.contains(runtime.minimumEntries) {
            report(
                ReferenceSetProblem.schema, "runtime.minimumEntries",
                "must be \(Self.entryCounts.lowerBound) to \(Self.entryCounts.upperBound)")
        }
        if [runtime.files, runtime.digests].allSatisfy({ $0?.isEmpty ?? true }), runtime.signers?.isEmpty ?? true {
            report(ReferenceSetProblem.empty, "runtime", "no file, digest or signer, so nothing could match")
        }
        if let named = runtime.mustContain?.first(where: { $0 != "boot_aggregate" }) {
            report(
                ReferenceSetProblem.presenceRule, "runtime.mustContain",
                "\"\(named)\": that an entry is there proves nothing; only boot_aggregate is demanded, always")
        }
        lists(runtime)
        signers(runtime.signers ?? [])
    }

    private mutating func lists(_ runtime: ReferenceSet.Runtime) {
        each(runtime.files, "files") { ReferenceLine($0) == nil ? "must be such as sha256:<hex> /path" : nil }
        each(runtime.buffers, "buffers") { ReferenceLine($0) == nil ? "must be such as sha256:<hex> name" : nil }
        for (name, list) in [
            ("digests", runtime.digests), ("policies", runtime.policies), ("kexec", runtime.kexec),
        ] {
            each(list, name) { FileDigest($0) == nil ? "must be such as sha256:<hex>" : nil }
        }
        each(runtime.ignoredBuffers, "ignoredBuffers") { name in
            name.isEmpty || RuntimeNames.isAlwaysJudged(Array(name.utf8))
                ? "\"\(name)\" cannot be ignored: keyrings, policies and kexec are always judged" : nil
        }
        for (name, list) in [("exclude", runtime.exclude), ("violations", runtime.violations)] {
            let patterns = list ?? []
            if patterns.count > Self.maximumPatterns {
                report(
                    ReferenceSetProblem.pattern, "runtime.\(name)", "more than \(Self.maximumPatterns) patterns")
            }
            for (index, pattern) in patterns.prefix(Self.maximumPatterns).enumerated() {
                check("runtime.\(name)[\(index)]") { () throws(ReferenceSetProblem) in _ = try PathGlob(pattern) }
            }
        }
    }

    private mutating func signers(_ signers: [ReferenceSet.Runtime.Signer]) {
        if signers.count > Self.maximumSigners {
            report(ReferenceSetProblem.schema, "runtime.signers", "more than \(Self.maximumSigners)")
        }
        for (index, signer) in signers.prefix(Self.maximumSigners).enumerated() {
            if signer.paths?.isEmpty == true {
                report(ReferenceSetProblem.empty, "runtime.signers[\(index)].paths", "no path, so nothing could match")
            }
            check("runtime.signers[\(index)]") { () throws(ReferenceSetProblem) in _ = try RuntimeSigner(signer) }
        }
    }

    private mutating func check(_ path: String, _ body: () throws(ReferenceSetProblem) -> Void) {
        do throws(ReferenceSetProblem) {
            try body()
        } catch {
            report(error.code, error.path.isEmpty ? path : "\(path).\(error.path)", error.detail)
        }
    }

    private mutating func each(_ list: [String]?, _ name: String, _ problem: (String) -> String?) {
        var count = 0
        for (index, element) in (list ?? []).enumerated() {
            guard let detail = problem(element) else { continue }
            count += 1
            guard count <= Self.maximumProblems else { return }
            report(ReferenceSetProblem.schema, "runtime.\(name)[\(index)]", detail)
        }
    }
}

/// Names that decide how an entry is judged.
enum RuntimeNames {
    /// The buffer that holds the next kernel's command line (Linux, func=KEXEC_CMDLINE).
    static let kexecCommandLine = Array("kexec-cmdline".utf8)
    private static let kexec = Array("kexec".utf8)
    private static let policies = [Array("ima-policy".utf8), Array("ima_policy".utf8)]

    /// A policy's file (`/etc/ima/ima-policy`, func=POLICY_CHECK) or the kernel's own record of a load.
    static func isPolicy(_ path: [UInt8]) -> Bool {
        let start = path.lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? 0
        return policies.contains { path[start...].starts(with: $0) }
    }

    /// `kexec-cmdline`, `kexec_load`, `kexec_execute`: another kernel is about to run.
    static func isKexec(_ name: [UInt8]) -> Bool { name.starts(with: kexec) }

    static func isAlwaysJudged(_ name: [UInt8]) -> Bool {
        name.first == UInt8(ascii: ".") || isPolicy(name) || isKexec(name)
    }
}

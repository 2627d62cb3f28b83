extension ReferenceSet {
    /// What may run: rules over the entries of the kernel's measurement list (IMA), judged in layer `runtime`. An entry that
    /// no rule allows breaks the layer; no rule demands that an entry is there, because its presence proves nothing
    /// (catalogue IM-16).
    public struct Runtime: Hashable, Sendable, Codable {
        /// Entries that a list has at least when the machine is up, the boot aggregate counted: fewer mean that IMA is off
        /// or its policy was weakened (IM-12).
        public var minimumEntries: Int
        /// `sha256:<hex> /path`, one line for each accepted content of a path; fs-verity's digests as
        /// `verity:sha256:<hex> /path`.
        public var files: [String]?
        /// `sha256:<hex>`: contents that may lie at any path.
        public var digests: [String]?
        public var signers: [Signer]?
        /// ``PathGlob``s of paths whose content nobody judges.
        public var exclude: [String]?
        /// ``PathGlob``s of paths that may be written while they are read or measured (violations).
        public var violations: [String]?
        /// `sha256:<hex> name`: buffers (template `ima-buf`), by the name of what was measured: a keyring such as `.ima`, for
        /// each of its keys; critical data such as `kernel_version`.
        public var buffers: [String]?
        /// Names of critical data that nobody judges. Keyrings, policies and kexec are always judged.
        public var ignoredBuffers: [String]?
        /// `sha256:<hex>` of the IMA policies that may be loaded, wherever their file lies.
        public var policies: [String]?
        /// `sha256:<hex>` of the command lines (buffers `kexec-cmdline`) that may be started by kexec.
        public var kexec: [String]?
        /// Whether banks other than SHA-1 hold SHA-1 template digests filled up with zeros, as kernels before 5.8 and
        /// banks that the kernel cannot hash have them. Absent means no.
        public var paddedSHA1: Bool?
        /// Refused but for `boot_aggregate`, which is always demanded.
        public var mustContain: [String]?

        public init(minimumEntries: Int) { self.minimumEntries = minimumEntries }

        /// Whoever holds this key may sign files (`security.ima`, versions 2 and 3).
        public struct Signer: Hashable, Sendable, Codable {
            public var name: String
            /// One `CERTIFICATE` block; its validity is checked at each appraisal.
            public var certificate: String?
            /// One `PUBLIC KEY` block, in place of a certificate.
            public var publicKey: String?
            /// ``PathGlob``s of paths that this key may sign for. Absent means all.
            public var paths: [String]?

            public init(
                name: String, certificate: String? = nil, publicKey: String? = nil, paths: [String]? = nil
            ) {
                self.name = name
                self.certificate = certificate
                self.publicKey = publicKey
                self.paths = paths
            }
        }
    }
}

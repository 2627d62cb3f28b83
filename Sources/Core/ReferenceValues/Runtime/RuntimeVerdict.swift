public import TPMStructures

/// One entry of a measurement list, reduced to what references speak about.
public struct RuntimeEntry: Hashable, Sendable {
    public enum Content: Hashable, Sendable {
        /// A file, with what the template holds of signatures.
        case file(FileDigest, signatures: [RuntimeSignature] = [])
        /// A buffer of the kernel: a key, a command line, critical data.
        case buffer(FileDigest)
        /// The file was written while it was read or measured.
        case violation
        /// A digest of an algorithm that nobody here knows, as the list writes it.
        case unknownAlgorithm(String)
        /// The entry contradicts itself in a way that no kernel makes: its template's name, which nothing covers, is false.
        case contradiction(String)
    }

    /// The path or name as the kernel wrote it.
    public var path: [UInt8]
    public var content: Content

    public init(path: [UInt8], content: Content) {
        self.path = path
        self.content = content
    }

    public var isBuffer: Bool { if case .buffer = content { true } else { false } }
    /// The kernel's word that another kernel is made ready or started.
    public var announcesKexec: Bool { isBuffer && RuntimeNames.isKexec(path) }
    /// An IMA policy was loaded.
    public var loadsPolicy: Bool { RuntimeNames.isPolicy(path) }
}

/// What references say about one entry. Depends on the entry and on the compiled references alone, never on time.
public enum RuntimeVerdict: Hashable, Sendable {
    /// By its digest, alone or with its path or name.
    case listed
    /// Nobody judges this path.
    case excluded
    /// By the signer of this number. Whether its certificate is valid now is another question.
    case signed(signer: Int)
    case refused(Refusal)

    public enum Refusal: Hashable, Sendable {
        case unknown
        /// The path is known with these contents.
        case digest(expected: [FileDigest])
        /// The digest is of a kind or algorithm that no reference of this path, or of any, has (IM-14).
        case algorithm(expected: [FileDigest])
        case signature(IMAFileSignature.Refusal)
        case violation
        /// The entry contradicts itself.
        case template(String)
        /// A policy was loaded that is none of the references'.
        case policy
        /// Another kernel is started by kexec, with a command line that is none of the references'.
        case kexec
        /// On the deny-list, whatever else holds.
        case denied(Digest)
    }
}

/// Who signed a file, as far as key and signature say. Depends on signature, digest and references alone: it may be kept
/// under these, for all nodes.
public enum SignatureVerdict: Hashable, Sendable {
    case signer(Int)
    case refused(IMAFileSignature.Refusal)
}

/// Keeps the outcome of signature checks, the only costly part of judging an entry.
public protocol SignatureVerdictKeeping {
    /// The kept verdict under this signature and digest, or the one that `make` gives.
    mutating func verdict(
        _ signature: RuntimeSignature, over digest: FileDigest, make: () -> SignatureVerdict
    ) -> SignatureVerdict
}

/// Keeps nothing.
public struct NoSignatureVerdicts: SignatureVerdictKeeping {
    public init() {}
    public func verdict(
        _ signature: RuntimeSignature, over digest: FileDigest, make: () -> SignatureVerdict
    ) -> SignatureVerdict { make() }
}

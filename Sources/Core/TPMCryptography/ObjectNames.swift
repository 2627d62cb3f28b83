public import TPMStructures

extension TPMTPublic {
    /// The object's name: the name algorithm and its digest of the marshalled public area (Part 1, "Names").
    ///
    /// Nil for an object without a name algorithm.
    public var name: TPM2BName? { nameAlgorithm.map { TPM2BName(MessageDigest.hash(marshalled, $0)) } }

    /// `QN = H(QN of the parent ‖ name)` by the object's own name algorithm (Part 1, "Qualified Name"). The qualified
    /// name of a hierarchy is its handle.
    public func qualifiedName(under parent: TPM2BName) -> TPM2BName? {
        guard let nameAlgorithm, let name else { return nil }
        return TPM2BName(MessageDigest.hash(parent.bytes + name.bytes, nameAlgorithm))
    }
}

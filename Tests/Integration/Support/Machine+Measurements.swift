import AttestationTestKit
import SoftwareTPM
import TPMCryptography
import TPMStructures
import Testing

/// What a kernel with IMA does on a machine: an entry in its list, and the digest of it in PCR 10 of every bank.
extension Machine {
    /// Begins the list of this boot with the boot aggregate of the TPM's registers.
    func startMeasuring() throws {
        var list = IMAListBuilder()
        list.addBootAggregate(try registers())
        measurements = list
        try extend(list.entries[0])
        try writeFile(list.bytes, to: measurementList)
    }

    func run(file path: String, digest: [UInt8]? = nil) throws {
        try #require(measurements != nil)
        measurements?.addFile(path, digest: digest)
        guard let list = measurements, let entry = list.entries.last else { return }
        // As the kernel does it: the list first, then the TPM.
        try writeFile(list.bytes, to: measurementList)
        try extend(entry)
    }

    private func extend(_ entry: IMAListBuilder.Entry) throws {
        for bank in HashAlgorithm.allCases {
            // A bank that this TPM does not have refuses.
            try? tpm.extend(
                pcr: 10, algorithm: bank.algorithmID.rawValue, digest: MessageDigest.hash(entry.data, bank).bytes)
        }
    }

    /// SHA-256 registers 0 to 9 as the TPM holds them.
    private func registers() throws -> PCRValues {
        let text = try tpm.tool("tpm2_pcrread", ["sha256:0,1,2,3,4,5,6,7,8,9"])
        var values = PCRValues()
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: ":").map { String($0.filter { !$0.isWhitespace }) }
            guard parts.count == 2, let index = Int(parts[0]).flatMap({ PCRIndex($0) }),
                let digest = Digest("sha256:" + parts[1].dropFirst(2).lowercased())
            else { continue }
            values.set(digest, bank: .sha256, index: index)
        }
        try #require(values.banks[.sha256]?.count == 10)
        return values
    }
}

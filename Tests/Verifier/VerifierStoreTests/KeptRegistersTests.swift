import AttestationMessages
import Foundation
import Testing
import VerifierService
import VerifierStore

@Suite("Kept register values")
struct KeptRegistersTests {
    private static let akName = [UInt8](repeating: 4, count: 34)

    @Test("Values are found under their AK and the digest they make, and under nothing else")
    func found() async throws {
        let store = try StoreInFolder().open()
        let (values, digest) = ([UInt8](0..<35), [UInt8](repeating: 1, count: 32))
        try await store.write { try $0.keep(registers: values, akName: Self.akName, pcrDigest: digest) }
        func kept(_ akName: [UInt8], _ digest: [UInt8]) async throws -> [UInt8]? {
            try await store.read { try $0.keptRegisters(akName: akName, pcrDigest: digest) }
        }
        #expect(try await kept(Self.akName, digest) == values)
        #expect(try await kept(Self.akName, digest.reversed() + [0]) == nil)
        #expect(try await kept([UInt8](repeating: 5, count: 34), digest) == nil)
        let newer = [UInt8](repeating: 2, count: 32)
        try await store.write { try $0.keep(registers: [], akName: Self.akName, pcrDigest: newer) }
        #expect(try await kept(Self.akName, digest) == nil)
        #expect(try await kept(Self.akName, newer) == [])
    }

    @Test("Values of a store that kept them in the state's row are there after the migration")
    func migrated() async throws {
        let folder = try StoreInFolder()
        let name = String(repeating: "04", count: 34)
        try folder.tamper(
            """
            DELETE FROM grdb_migrations WHERE identifier = '2026-11 kept registers';
            DROP TABLE kept_registers;
            ALTER TABLE attestation_states ADD COLUMN pcr_values BLOB;
            INSERT INTO attestation_states (ak_name, node_id, pcr_digest, pcr_values, tiers, lab_mode)
            VALUES (x'\(name)', 'n1', x'0102', x'030405', '', 0);
            """)
        let store = try folder.open()
        #expect(
            try await store.read { try $0.keptRegisters(akName: Self.akName, pcrDigest: [1, 2]) } == [3, 4, 5])
        #expect(try await store.read { try $0.attestationState(akName: Self.akName) }?.pcrDigest == [1, 2])
    }
}

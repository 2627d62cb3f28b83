internal import AssetFingerprints
internal import AttestationMessages
internal import Foundation
internal import GRDB
internal import TPMStructures
internal import VerifierService

/// Reads the columns of one row in order. A value that does not decode is `STORE_POISON`, never a default.
struct ColumnReader {
    private let row: StoredRow
    private let table: String
    private var index = 0

    init(_ row: StoredRow, _ table: String) {
        self.row = row
        self.table = table
    }

    private mutating func next<Value: DatabaseValueConvertible>(_ type: Value.Type) throws -> Value? {
        guard index < row.columns.count else { throw poison() }
        let value = row.columns[index]
        index += 1
        if value.isNull { return nil }
        guard let decoded = Value.fromDatabaseValue(value) else { throw poison() }
        return decoded
    }

    private func poison() -> ServiceError {
        ServiceError(.unavailable, "STORE_POISON", "table \(table), column \(index)")
    }

    private func required<Value>(_ value: Value?) throws -> Value {
        guard let value else { throw poison() }
        return value
    }

    mutating func optionalInteger() throws -> Int64? { try next(Int64.self) }
    mutating func integer() throws -> Int64 { try required(next(Int64.self)) }
    mutating func count() throws -> Int { Int(try integer()) }
    mutating func optionalText() throws -> String? { try next(String.self) }
    mutating func text() throws -> String { try required(next(String.self)) }
    mutating func optionalBytes() throws -> [UInt8]? { try next(Data.self).map { [UInt8]($0) } }
    mutating func bytes() throws -> [UInt8] { try required(optionalBytes()) }
    mutating func flag() throws -> Bool { try integer() != 0 }
    mutating func nodeID() throws -> NodeID { try required(NodeID(text())) }
    mutating func optionalUInt32() throws -> UInt32? {
        try optionalInteger().map { value in try required(UInt32(exactly: value)) }
    }
    mutating func uint32() throws -> UInt32 { try required(optionalUInt32()) }

    mutating func value<Value: RawRepresentable<String>>(_ type: Value.Type = Value.self) throws -> Value {
        try required(Value(rawValue: text()))
    }
    mutating func optionalValue<Value: RawRepresentable<String>>(_ type: Value.Type = Value.self) throws -> Value? {
        try optionalText().map { text in try required(Value(rawValue: text)) }
    }
    mutating func json<Value: Decodable>(_ type: Value.Type = Value.self) throws -> Value {
        let text = try text()
        do { return try JSONText.decode(type, text) } catch { throw poison() }
    }
    mutating func platform(_ shared: SharedPlatforms) throws -> PlatformIdentity {
        let text = try text()
        do { return try shared.decode(text) } catch { throw poison() }
    }
    mutating func list() throws -> [String] { CompactList.decode(try text()) }
    mutating func optionalList() throws -> [String]? { try optionalText().map(CompactList.decode) }
    mutating func byteStrings() throws -> [[UInt8]] { try required(ByteStrings.decode(bytes())) }
    mutating func selection() throws -> TPMLPCRSelection { try required(SelectionText.decode(text())) }
}

internal import AttestationMessages

/// Stands in for a document: notes which members a type asks for, and gives it a sample of each.
final class SchemaRecorder: Decoder {
    var schema: MessageSchema
    private(set) var properties: [String: JSONValue] = [:]
    private var optional: Set<String> = []
    let codingPath: [any CodingKey] = []
    let userInfo: [CodingUserInfoKey: Any] = [:]

    init(_ schema: MessageSchema) { self.schema = schema }

    var required: Set<String> { Set(properties.keys).subtracting(optional) }

    fileprivate func noteOptional(_ key: any CodingKey) { optional.insert(key.stringValue) }

    fileprivate func sample<Value: Decodable>(_ type: Value.Type, _ key: any CodingKey) throws -> Value {
        let (description, sample) = try schema.schema(of: type)
        properties[key.stringValue] = description
        return sample
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedDecodingContainer<Key> {
        KeyedDecodingContainer(SchemaMembers(recorder: self))
    }
    func unkeyedContainer() throws -> any UnkeyedDecodingContainer { throw Self.unsupported }
    func singleValueContainer() throws -> any SingleValueDecodingContainer { throw Self.unsupported }

    fileprivate static let unsupported = DecodingError.dataCorrupted(
        .init(codingPath: [], debugDescription: "a message whose members cannot be learnt"))
}

/// A member that is asked for by presence is optional; nothing is ever absent, so that its type is learnt too.
private struct SchemaMembers<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let recorder: SchemaRecorder
    let codingPath: [any CodingKey] = []
    let allKeys: [Key] = []

    func contains(_ key: Key) -> Bool {
        recorder.noteOptional(key)
        return true
    }
    func decodeNil(forKey key: Key) -> Bool { false }
    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
        try recorder.sample(type, key)
    }
    func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool { try recorder.sample(type, key) }
    func decode(_ type: String.Type, forKey key: Key) throws -> String { try recorder.sample(type, key) }
    func decode(_ type: Double.Type, forKey key: Key) throws -> Double { try recorder.sample(type, key) }
    func decode(_ type: Float.Type, forKey key: Key) throws -> Float { try recorder.sample(type, key) }
    func decode(_ type: Int.Type, forKey key: Key) throws -> Int { try recorder.sample(type, key) }
    func decode(_ type: Int8.Type, forKey key: Key) throws -> Int8 { try recorder.sample(type, key) }
    func decode(_ type: Int16.Type, forKey key: Key) throws -> Int16 { try recorder.sample(type, key) }
    func decode(_ type: Int32.Type, forKey key: Key) throws -> Int32 { try recorder.sample(type, key) }
    func decode(_ type: Int64.Type, forKey key: Key) throws -> Int64 { try recorder.sample(type, key) }
    func decode(_ type: UInt.Type, forKey key: Key) throws -> UInt { try recorder.sample(type, key) }
    func decode(_ type: UInt8.Type, forKey key: Key) throws -> UInt8 { try recorder.sample(type, key) }
    func decode(_ type: UInt16.Type, forKey key: Key) throws -> UInt16 { try recorder.sample(type, key) }
    func decode(_ type: UInt32.Type, forKey key: Key) throws -> UInt32 { try recorder.sample(type, key) }
    func decode(_ type: UInt64.Type, forKey key: Key) throws -> UInt64 { try recorder.sample(type, key) }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<Nested> { throw SchemaRecorder.unsupported }
    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        throw SchemaRecorder.unsupported
    }
    func superDecoder() throws -> any Decoder { throw SchemaRecorder.unsupported }
    func superDecoder(forKey key: Key) throws -> any Decoder { throw SchemaRecorder.unsupported }
}

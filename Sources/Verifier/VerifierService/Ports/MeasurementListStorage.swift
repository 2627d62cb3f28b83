package protocol MeasurementListReading {
    func measurementList(akName: [UInt8]) throws -> MeasurementListRecord?
    /// The stored bytes from `offset` to the end of their chunk; nil at the end of the list.
    func measurementListBytes(akName: [UInt8], from offset: Int) throws -> [UInt8]?
    /// The uploaded bytes from `offset` to the end of their chunk; nil where nothing begins there.
    func uploadedBytes(of evidenceID: String, log: String, from offset: Int) throws -> [UInt8]?
}

package protocol MeasurementListWriting {
    /// Appends at `offset`, which must be where the stored bytes end.
    func appendMeasurementList(akName: [UInt8], at offset: Int, _ bytes: [UInt8]) throws
    /// As ``appendMeasurementList(akName:at:_:)`` with everything that was uploaded.
    func appendMeasurementList(akName: [UInt8], uploadedBy evidenceID: String, log: String) throws
    /// Replaces the AK's record, and drops stored bytes behind its `byteCount`.
    func save(_ list: MeasurementListRecord) throws
    /// Drops the record and the bytes.
    func deleteMeasurementList(akName: [UInt8]) throws
}

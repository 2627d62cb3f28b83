import AttestationTestKit
import IMAMeasurementList
import TPMStructures

/// All entries of a list, in one piece or in pieces of `size` bytes.
func read(_ bytes: [UInt8], by size: Int? = nil) throws(IMAListError) -> [IMAMeasurement] {
    var parser = IMAListParser()
    var entries: [IMAMeasurement] = []
    let step = max(1, size ?? bytes.count)
    var position = 0
    while position < bytes.count {
        let end = min(bytes.count, position + step)
        try parser.append(bytes.span.extracting(position..<end)) { entries.append($0) }
        position = end
    }
    try parser.finish { entries.append($0) }
    return entries
}

/// What comparing a whole list with register values gives.
func outcome(
    _ bytes: [UInt8], _ values: PCRValues, modes: Set<IMAExtension> = [.native]
) throws -> IMAListOutcome {
    guard var verification = IMAListVerification(againstUnsigned: values, modes: modes) else {
        return .nothingToCompare
    }
    try verification.append(bytes.span)
    return try verification.finish()
}

/// Goes on from `checkpoint` with more bytes.
func resume(
    _ checkpoint: IMACheckpoint, _ values: PCRValues, _ bytes: some Sequence<UInt8>,
    modes: Set<IMAExtension> = [.native]
) throws -> IMAListOutcome {
    let bytes = Array(bytes)
    guard var verification = IMAListVerification(againstUnsigned: values, modes: modes, resuming: checkpoint) else {
        return .nothingToCompare
    }
    try verification.append(bytes.span)
    return try verification.finish()
}

func findings(_ bytes: [UInt8], _ values: PCRValues) throws -> Set<IMAReason> {
    Set(try outcome(bytes, values).findings(attested: values).map(\.id))
}

extension IMAMeasurement {
    var path: String { String(decoding: eventName ?? [], as: UTF8.self) }
}

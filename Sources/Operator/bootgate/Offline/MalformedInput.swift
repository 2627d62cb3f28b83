import AssetFingerprints
import ByteParsing
import IMAMeasurementList
import JSONCoding
import ReferenceValues
import TCGEventLog

/// Runs a parser over one input; its refusal becomes exit code 65 with the input's name, the field, the offset and the limit.
func reading<Value>(_ name: String, _ parse: () throws -> Value) throws -> Value {
    do {
        return try parse()
    } catch let error as ParsingError {
        throw Failure(.malformedInput, "\(name): \(error)")
    } catch let error as TCGEventLogError {
        throw Failure(.malformedInput, "\(name): \(error)")
    } catch let error as IMAListError {
        throw Failure(.malformedInput, "\(name): \(error)")
    } catch let error as EventDataError {
        throw Failure(.malformedInput, "\(name): \(error)")
    } catch let error as StrictJSONError {
        throw Failure(.malformedInput, "\(name): \(error)")
    } catch let error as FingerprintError {
        throw Failure(.malformedInput, "\(name): \(error)")
    } catch let error as ReferenceSetError {
        throw Failure(.malformedInput, "\(name): \(error)")
    }
}

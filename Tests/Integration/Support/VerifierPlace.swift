import SoftwareTPM

/// What an agent is told of the verifier, and the folder in which its own files lie.
protocol VerifierPlace: AnyObject {
    var directory: TemporaryDirectory { get }
    var mainPort: Int { get }
    var enrollmentPort: Int { get }
    var caFile: String { get }
}

/// A verifier at the other end of links.
final class LinkedPlace: VerifierPlace {
    private let place: any VerifierPlace
    let main: Link
    let enrollment: Link
    init(_ place: any VerifierPlace, flights: Flights? = nil) throws {
        self.place = place
        main = try Link(to: place.mainPort, flights: flights)
        enrollment = try Link(to: place.enrollmentPort, flights: flights)
    }
    var directory: TemporaryDirectory { place.directory }
    var mainPort: Int { main.port }
    var enrollmentPort: Int { enrollment.port }
    var caFile: String { place.caFile }
}

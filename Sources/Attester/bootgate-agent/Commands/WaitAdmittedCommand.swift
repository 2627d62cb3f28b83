import ArgumentParser
internal import AttestationMessages
import AttesterSession
import AttestingEnvironment
import HostProcess
import JSONCoding

struct WaitAdmittedCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wait-admitted", abstract: "Wait until this machine is admitted in this boot.",
        discussion: """
            Reads what the running agent published; asks neither TPM nor verifier. What an earlier boot left counts for \
            nothing, nor does an admission that has ended. This orders a machine's own services (bootgate-admitted.target) \
            and is no control: consumers decide by the verifier's word, never by the machine's.

            Exit codes: 0 admitted, 2 denied when the time was over or (--hold) an admission was taken away, 75 no decision \
            when the time was over or (--hold) an admission ended, 4 what the agent published can be written by others, \
            78 configuration wrong.

            EXAMPLES
              bootgate-agent wait-admitted
              bootgate-agent wait-admitted --timeout 0 && echo admitted now
              bootgate-agent wait-admitted --timeout 300 -o json
              bootgate-agent wait-admitted --hold; echo the admission is gone
            """)

    @OptionGroup var options: CommonOptions
    @Option(help: ArgumentHelp("Give up after so long; 0 asks once. Without it: waits for ever.", valueName: "seconds"))
    var timeout: Int?
    @Flag(help: "Then stay, as long as the admission lasts, and exit when it is lost.") var hold = false
    @Option(name: [.customShort("o"), .long], help: "table or json.") var output = OutputFormat.table

    func validate() throws {
        if let timeout, !(0...31_536_000).contains(timeout) {
            throw ValidationError("--timeout is 0 to 31536000 seconds")
        }
    }

    func run() async throws {
        let configuration = try AgentConfiguration.load(from: options.config, needsVerifier: false)
        let place = Place(
            publication: PublicDirectory(configuration.statusDirectory),
            bootID: try BootIdentity.read(path: configuration.bootIDFile))
        let deadline = timeout.map { AgentTime.now().monotonic + Int64($0) * 1000 }
        var shown: AdmissionView?
        while true {
            let (status, view) = try place.look()
            switch view {
            case .admitted(let admission):
                try tell(status, view, place)
                if hold { try await stay(admission, place) }
                return
            case .missing(let isDenied, let reason, let nextStep):
                // For systemctl status while the unit starts; nobody else listens.
                if shown != view { ServiceManager.notify(.status("waits: \(reason)")) }
                shown = view
                if let deadline, AgentTime.now().monotonic >= deadline {
                    if output == .json { try tell(status, view, place) }
                    let wait = timeout == 0 ? "not admitted" : "not admitted within \(timeout ?? 0) s"
                    throw AgentFailure(isDenied ? 2 : 75, ["\(wait): \(reason)", "next: \(nextStep)"])
                }
            }
            let left = deadline.map { $0 - AgentTime.now().monotonic } ?? Self.pause
            try await Task.sleep(for: .milliseconds(max(1, min(Self.pause, left))))
        }
    }

    /// Milliseconds between two looks; one is a small file in memory.
    private static let pause: Int64 = 200

    private struct Place {
        let publication: PublicDirectory
        let bootID: String

        func look() throws -> (AgentStatus?, AdmissionView) {
            let status: AgentStatus?
            do throws(EnvironmentError) {
                status = try publication.read(AgentStatus.fileName).flatMap {
                    try? StrictJSON.decode(AgentStatus.self, from: $0)
                }
            } catch {
                throw AgentFailure(4, ["\(error)", "next: look who made it; restart the agent"])
            }
            return (status, AdmissionView(status, bootID: bootID, now: .now()))
        }
    }

    /// Runs until the admission is lost.
    private func stay(_ first: NodeAdmission, _ place: Place) async throws {
        ServiceManager.notify(.ready, .status("admitted since \(TimeText.utc(first.sinceMilliseconds))"))
        let watchdog = Watchdog()
        while true {
            try await Task.sleep(for: .seconds(1))
            watchdog.feed()
            let (_, view) = try place.look()
            guard case .missing(let isDenied, let reason, let nextStep) = view else { continue }
            ServiceManager.notify(.stopping, .status("lost: \(reason)"))
            throw AgentFailure(isDenied ? 2 : 75, ["the admission is lost: \(reason)", "next: \(nextStep)"])
        }
    }

    private struct Answer: Encodable {
        var admitted: Bool
        var nodeID: NodeID?
        var bootID: String
        var reason: String?
        var nextStep: String?
        var verdictID: String?
        var sinceMilliseconds: Int64?
        var secondsLeft: Int64?
    }

    private func tell(_ status: AgentStatus?, _ view: AdmissionView, _ place: Place) throws {
        var answer = Answer(admitted: false, nodeID: status?.nodeID, bootID: place.bootID)
        switch view {
        case .admitted(let admission):
            answer.admitted = true
            answer.reason = admission.reason
            answer.verdictID = admission.verdictID
            answer.sinceMilliseconds = admission.sinceMilliseconds
            answer.secondsLeft = admission.untilBootTimeMilliseconds.map {
                max(0, $0 - AgentTime.now().monotonic) / 1000
            }
        case .missing(_, let reason, let nextStep):
            answer.reason = reason
            answer.nextStep = nextStep
        }
        if output == .json {
            StandardStream.output.write(try StrictJSON.encode(answer, pretty: true) + [0x0A])
        } else if case .admitted = view {
            let left = answer.secondsLeft.map { ", \($0) s left unless renewed" } ?? ""
            StandardStream.output.write(
                "admitted: \(EscapedText.line(status?.nodeID.rawValue ?? ""))\(left)\n")
        }
    }
}

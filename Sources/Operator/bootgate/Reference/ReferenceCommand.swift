import ArgumentParser

struct ReferenceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reference", abstract: "Reference values: capture, look, compare, propose, approve, activate.",
        discussion: """
            Captured values are a draft. One operator proposes, another (another name and another key) approves, then the \
            set is activated for its group.

            EXAMPLES
              bootgate reference capture mec-r740 --group mec --node edge-01
              bootgate reference show mec-r740
              bootgate reference propose mec-r740 --reason 'first capture of the lab machine'
              bootgate reference approve mec-r740 --sha256 9f86… --reason 'compared with the vendor list'
              bootgate reference activate mec-r740 --reason 'change 88'
            """,
        subcommands: [
            ReferenceList.self, ReferenceShow.self, ReferenceCaptureCommand.self,
            ReferenceImportCommand.self, ReferencePropose.self,
            ReferenceApprove.self, ReferenceReject.self, ReferenceActivate.self, ReferenceDiffCommand.self,
            ReferencePredictCommand.self, RevocationsCommand.self,
            ReferencePreviewCommand.self, ReferenceRollbackCommand.self, ReferenceRollout.self, ReferenceExpire.self,
        ])
}

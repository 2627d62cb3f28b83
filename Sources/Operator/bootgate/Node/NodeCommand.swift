import ArgumentParser

struct NodeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "node", abstract: "Enroll, look at and act on nodes.",
        discussion: """
            EXAMPLES
              bootgate node list --state untrusted
              bootgate node explain edge-01
              bootgate node import @manifest.json --dry-run
            """,
        subcommands: [
            NodeList.self, NodeShow.self, NodeExplain.self, NodeHistory.self, NodeBoots.self, NodePeers.self,
            NodeWatch.self,
            NodeAdd.self,
            NodeImport.self, NodeActCommand<Approving>.self, NodeActCommand<Suspending>.self,
            NodeActCommand<Resuming>.self, NodeActCommand<Revoking>.self, NodeClear.self,
            NodeActCommand<Removing>.self, NodeActCommand<Attesting>.self, NodeReplaceTPM.self,
            NodeRebootExpected.self,
        ])
}

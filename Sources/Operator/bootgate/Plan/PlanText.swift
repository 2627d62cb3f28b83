import AttestationMessages

/// Change plans as text.
enum PlanText {
    static func list(_ plans: [PlanView]) -> String {
        var table = TextTable("PLAN", "STATUS", "SET", "GROUP", "FROM", "UNTIL", "WAITING", "UPDATED", "MISSED", "BY")
        for plan in plans {
            table.add(
                plan.name, status(plan), plan.referenceSet, plan.group, Timestamp.text(plan.startMilliseconds),
                Timestamp.text(plan.endMilliseconds), String(plan.waiting), String(plan.updated),
                String(plan.missed), plan.createdBy)
        }
        return table.text
    }

    static func detail(_ detail: PlanDetail) -> String {
        let plan = detail.plan
        var fields = FieldList()
        fields.add("Plan", plan.name)
        fields.add("Status", status(plan))
        fields.add("Set that comes", "\(plan.referenceSet), for nodes of group \(plan.group)")
        fields.add(
            "Window", "\(Timestamp.text(plan.startMilliseconds)) to \(Timestamp.text(plan.endMilliseconds))")
        fields.add("Nodes", "\(plan.waiting) waiting, \(plan.updated) updated, \(plan.missed) missed")
        fields.add("Boots explained", "\(plan.reboots) of each node")
        fields.add("Reason", plan.reason)
        fields.add("Ticket", plan.ticket)
        fields.add("Created", "by \(plan.createdBy), \(Timestamp.withAge(plan.createdAtMilliseconds))")
        if let name = plan.closedBy, let at = plan.closedAtMilliseconds {
            fields.add("Closed", "by \(name), \(Timestamp.withAge(at)): \(plan.closeReason ?? "-")")
        }
        fields.add("Next step", nextStep(plan))
        guard !detail.nodes.isEmpty else { return fields.text }
        var table = TextTable("NODE", "STATUS", "AT", "VERDICT ID")
        for node in detail.nodes {
            table.add(
                node.nodeID.rawValue, node.status.rawValue, node.atMilliseconds.map(Timestamp.text), node.verdictID)
        }
        return fields.text + "\n\n" + table.text
    }

    /// One sentence for the screen of `node explain`.
    static func sentence(_ node: PlanNodeView) -> String {
        let since = node.atMilliseconds.map { " since \(Timestamp.withAge($0))" } ?? ""
        let meaning =
            node.status == .updated ? ", judged by it alone" : ", which is good beside the old values in the window"
        return "\(node.plan): \(node.status.rawValue)\(since), to \(node.referenceSet)\(meaning)"
    }

    private static func status(_ plan: PlanView) -> String {
        switch plan.status {
        case .closed: plan.activated ? "closed, set activated" : "closed"
        case .open: plan.waiting == 0 ? "open, nobody waits" : "open"
        }
    }

    private static func nextStep(_ plan: PlanView) -> String? {
        guard plan.status == .open, plan.waiting == 0 else { return nil }
        return plan.missed > 0
            ? "plan the missed nodes again, or bootgate plan close \(plan.name) --activate"
            : "plan the other nodes of group \(plan.group), or bootgate plan close \(plan.name) --activate"
    }
}

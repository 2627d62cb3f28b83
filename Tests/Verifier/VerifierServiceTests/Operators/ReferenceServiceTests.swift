import AttestationMessages
import SecurityEvents
import SoftwareTPM
import Testing
import VerifierService

@Suite struct ReferenceServiceTests {
    let fixture: OperatorFixture
    init() throws { fixture = try OperatorFixture() }

    @Test("RV-03: nobody approves their own proposal, neither by name nor by key, and every change is an event")
    func fourEyes() async throws {
        let proposed = try await fixture.proposed(by: fixture.ada)
        let references = fixture.references()
        for peer in [fixture.ada, fixture.adaAgain] {
            let code = try await refusalCode {
                try await references.act(.approve, on: "golden", version: 1, OperatorFixture.acts(proposed), peer: peer)
            }
            #expect(code == "REF_NEEDS_APPROVAL")
            let record = try #require(try await fixture.lastAudit())
            #expect(record.action == "reference.approve" && record.outcome == "failure")
        }
        let approved = try await references.act(
            .approve, on: "golden", version: 1, OperatorFixture.acts(proposed), peer: fixture.bob)
        #expect(approved.status == .approved && approved.approvedBy == "bob" && !approved.labMode)
        let active = try await references.act(
            .activate, on: "golden", version: 1, OperatorFixture.acts(proposed), peer: fixture.ada)
        #expect(active.status == .active)
        let changes = try await fixture.events().filter { $0.eventID == SecurityEventID.referenceChanged }
        #expect(changes.map { $0.fields["status"] } == ["draft", "proposed", "approved", "active"])
        #expect(changes.allSatisfy { $0.severity == .medium })
        let refused = try await fixture.events().filter { $0.eventID == "REF_NEEDS_APPROVAL" }
        #expect(refused.count == 2 && refused.allSatisfy { $0.severity == .medium })
    }

    @Test("RV-03: the author may not approve what somebody else proposed for them")
    func author() async throws {
        let draft = try await fixture.references().draft(
            ReferenceDraftRequest(
                name: "golden", group: "default", document: WireBytes(try OperatorFixture.document()), captureFrom: [],
                note: nil), peer: fixture.ada
        ).view
        _ = try await fixture.references().act(
            .propose, on: "golden", version: 1, OperatorFixture.acts(draft), peer: fixture.bob)
        let code = try await refusalCode {
            try await fixture.references().act(
                .approve, on: "golden", version: 1, OperatorFixture.acts(draft), peer: fixture.ada)
        }
        #expect(code == "REF_NEEDS_APPROVAL")
    }

    @Test("In lab mode one operator may do both, and the set says so for ever")
    func labMode() async throws {
        let proposed = try await fixture.proposed(by: fixture.ada, labMode: true)
        let references = fixture.references(labMode: true)
        _ = try await references.act(
            .approve, on: "golden", version: 1, OperatorFixture.acts(proposed), peer: fixture.ada)
        let active = try await references.act(
            .activate, on: "golden", version: 1, OperatorFixture.acts(proposed), peer: fixture.ada)
        #expect(active.labMode)
        #expect(try await fixture.references().reference("golden", version: 1, peer: fixture.bob).view.labMode)
    }

    @Test("RV-04: a document that is not the one named, or not the one stored, is refused at every step")
    func contentChanged() async throws {
        let proposed = try await fixture.proposed(by: fixture.ada)
        let references = fixture.references()
        var other = OperatorFixture.acts(proposed)
        other.documentSHA256 = String(repeating: "0", count: 64)
        #expect(
            try await refusalCode {
                try await references.act(.approve, on: "golden", version: 1, other, peer: fixture.bob)
            } == "REF_CONTENT_CHANGED")
        // Somebody with the database file changes one digest between proposal and approval.
        try runProcessSuccessfully(
            "sqlite3",
            [
                fixture.directory.file("store.sqlite"),
                "DROP TRIGGER reference_sets_write_once; "
                    + "UPDATE reference_sets SET document = CAST(replace(CAST(document AS TEXT), 'abab', 'cdcd') AS BLOB)",
            ])
        for (act, peer) in [(ReferenceAct.approve, fixture.bob), (.reject, fixture.bob), (.activate, fixture.ada)] {
            let code = try await refusalCode {
                try await references.act(act, on: "golden", version: 1, OperatorFixture.acts(proposed), peer: peer)
            }
            #expect(code == "REF_CONTENT_CHANGED")
        }
        let alarms = try await fixture.events().filter { $0.eventID == "REF_CONTENT_CHANGED" }
        #expect(alarms.count == 4 && alarms.allSatisfy { $0.severity == .critical })
    }

    @Test("RV-05: versions rise, and one below an active one is never activated")
    func rollback() async throws {
        let references = fixture.references()
        var views: [ReferenceView] = []
        for digit in ["aa", "bb", "cc"] {
            let proposed = try await fixture.proposed(
                by: fixture.ada, digest: String(repeating: digit, count: 32))
            views.append(
                try await references.act(
                    .approve, on: "golden", version: proposed.version, OperatorFixture.acts(proposed),
                    peer: fixture.bob))
        }
        #expect(views.map(\.version) == [1, 2, 3])
        _ = try await references.act(
            .activate, on: "golden", version: 2, OperatorFixture.acts(views[1]), peer: fixture.ada)
        #expect(
            try await refusalCode {
                try await references.act(
                    .activate, on: "golden", version: 1, OperatorFixture.acts(views[0]), peer: fixture.ada)
            } == "REF_ROLLBACK")
        _ = try await references.act(
            .activate, on: "golden", version: 3, OperatorFixture.acts(views[2]), peer: fixture.ada)
        #expect(
            try await refusalCode {
                try await references.act(
                    .activate, on: "golden", version: 2, OperatorFixture.acts(views[1]), peer: fixture.ada)
            } == "REF_ROLLBACK")
        let list = try await references.references(peer: fixture.ada).items
        #expect(list.map(\.status) == [.approved, .retired, .active])
        #expect(try await fixture.events().filter { $0.eventID == "REF_ROLLBACK" }.map(\.severity) == [.high, .high])
    }

    @Test("RV-07: a draft, a proposal and a rejected set cannot be activated")
    func drafts() async throws {
        let references = fixture.references()
        let draft = try await references.draft(
            ReferenceDraftRequest(
                name: "golden", group: "default", document: WireBytes(try OperatorFixture.document()), captureFrom: [],
                note: "captured"), peer: fixture.ada
        ).view
        func activate() async throws -> String? {
            try await refusalCode {
                try await references.act(
                    .activate, on: "golden", version: 1, OperatorFixture.acts(draft), peer: fixture.ada)
            }
        }
        #expect(try await activate() == "REF_NEEDS_APPROVAL")
        _ = try await references.act(
            .propose, on: "golden", version: 1, OperatorFixture.acts(draft), peer: fixture.ada)
        #expect(try await activate() == "REF_NEEDS_APPROVAL")
        _ = try await references.act(
            .reject, on: "golden", version: 1, OperatorFixture.acts(draft), peer: fixture.bob)
        #expect(try await activate() == "REF_STATUS")
        #expect(try await fixture.store.read { try $0.activeReference(group: "default") } == nil)
    }

    @Test("RV-07: nodes without kept evidence give no draft")
    func nothingToCapture() async throws {
        let node = try await fixture.enroll("edge-1")
        let request = ReferenceDraftRequest(
            name: "golden", group: "default", document: nil, captureFrom: [node], note: nil)
        #expect(
            try await refusalCode { try await fixture.references().draft(request, peer: fixture.ada) }
                == "REF_NO_EVIDENCE")
        #expect(try await fixture.references().references(peer: fixture.ada).items.isEmpty)
    }

    @Test(
        "RV-01, RV-02, RV-13, QF-27: an unfit document is refused at upload with its code",
        arguments: [
            ("{}", "POL_SCHEMA"), ("[]", "POL_SCHEMA"), ("", "POL_SCHEMA"),
            (#""layers" : ["#, "POL_SCHEMA"), (#""pcr" : 23,"#, "POL_RESETTABLE_PCR"),
            (#""pcr" : 13,"#, "POL_PCR_UNSET"), (#""banks" : []"#, "POL_EMPTY"),
        ])
    func unfit(change: String, code: String) async throws {
        var text = String(decoding: try OperatorFixture.document(), as: UTF8.self)
        switch code {
        case "POL_RESETTABLE_PCR": text = text.replacing("\"pcr\" : 7,", with: change)
        case "POL_PCR_UNSET": text = text.replacing("\"pcr\" : 14,", with: change)
        case "POL_EMPTY": text = text.replacing("\"banks\" : [\n    \"sha256\"\n  ]", with: change)
        default: text = change.hasPrefix("\"") ? text.replacing("\"layers\" : [", with: "\"layerz\" : [") : change
        }
        let request = ReferenceDraftRequest(
            name: "golden", group: "default", document: WireBytes(Array(text.utf8)), captureFrom: [], note: nil)
        #expect(try await refusalCode { try await fixture.references().draft(request, peer: fixture.ada) } == code)
        #expect(try await fixture.references().references(peer: fixture.ada).items.isEmpty)
    }

    @Test("A document for another set or group than the call's is refused")
    func otherName() async throws {
        for (name, group) in [("other", "default"), ("golden", "other")] {
            let request = ReferenceDraftRequest(
                name: name, group: group, document: WireBytes(try OperatorFixture.document()), captureFrom: [],
                note: nil)
            #expect(
                try await refusalCode { try await fixture.references().draft(request, peer: fixture.ada) }
                    == "POL_SCHEMA")
        }
    }
}

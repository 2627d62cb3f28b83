import AttestationMessages
import AttestationTestKit
import Crypto
import Foundation
import SecurityEvents
import StubVerifier
import Testing
import VerifierService

@Suite("RV-06: reference sets signed by operators")
struct ReferenceSignatureTests {
    let fixture: OperatorFixture
    let authority: StubAuthority
    let ada: ReferenceSigner
    let bob: ReferenceSigner
    private let document: [UInt8]

    init() throws {
        fixture = try OperatorFixture()
        authority = try StubAuthority(commonName: "operators")
        ada = try ReferenceSigner("ada", of: authority)
        bob = try ReferenceSigner("bob", of: authority)
        document = try OperatorFixture.document()
    }

    private func policy(
        _ rule: ReferenceSignatureRule, revoking entries: [RevocationListWriter.Entry] = []
    ) throws -> VerifierPolicy {
        var policy = VerifierPolicy()
        policy.referenceSignatures = rule
        policy.operatorTrust = OperatorTrust(try authority.trust(revoking: entries))
        return policy
    }

    private func service(_ rule: ReferenceSignatureRule = .required) throws -> ReferenceService {
        ReferenceService(store: fixture.store, labMode: false, policy: try policy(rule))
    }

    private func enlist(_ signers: ReferenceSigner...) async throws {
        for signer in signers { try await fixture.store.write { [record = signer.stored()] in try $0.save(record) } }
    }

    private func draft(_ service: ReferenceService, by signer: ReferenceSigner) async throws -> ReferenceView {
        try await service.draft(
            ReferenceDraftRequest(
                name: "golden", group: "default", document: WireBytes(document), captureFrom: [], note: nil),
            peer: signer.peer
        ).view
    }

    private func act(
        _ act: ReferenceAct, _ view: ReferenceView, by signer: ReferenceSigner, _ signature: [UInt8]?,
        _ service: ReferenceService
    ) async throws -> ReferenceView {
        try await service.act(
            act, on: view.name, version: view.version,
            ReferenceActRequest(
                documentSHA256: view.documentSHA256, reason: "test", signature: signature.map { WireBytes($0) }),
            peer: signer.peer)
    }

    /// With the right signature.
    private func sign(
        _ name: ReferenceAct, _ view: ReferenceView, by signer: ReferenceSigner, _ service: ReferenceService
    ) async throws -> ReferenceView {
        try await act(
            name, view, by: signer, signer.signature(name, version: view.version, document: document), service)
    }

    @Test("A set that two operators signed is used where signatures are required, and shows who signed")
    func signed() async throws {
        let service = try service()
        try await enlist(ada, bob)
        let view = try await draft(service, by: ada)
        _ = try await sign(.propose, view, by: ada, service)
        _ = try await sign(.approve, view, by: bob, service)
        let active = try await act(.activate, view, by: ada, nil, service)
        #expect(active.status == .active)
        let detail = try await service.reference("golden", version: nil, peer: ada.peer)
        #expect(detail.signatures?.map(\.signer) == ["ada", "bob"] && detail.signatureProblem == nil)
        #expect(detail.signatures?.first?.certificates.first?.bytes == ada.peer.certificates.first)
        let history = try await service.history(ofReference: "golden", peer: ada.peer).items
        #expect(history.first { $0.act == "approve" }?.note == "signed with the operator's key")
        try await ReferenceSignatureWatch.check(fixture.store, try policy(.required))
        #expect(try await fixture.events().allSatisfy { $0.eventID != "STORE_TAMPERED" })
    }

    enum Forgery: CaseIterable {
        case missing, empty, flipped, cut, otherAct, otherVersion, otherDocument, otherKey
    }

    @Test(
        "Missing, empty (\"none\"), flipped, cut, or over anything else: 422 REF_SIGNATURE, nothing changes",
        arguments: Forgery.allCases)
    func forged(_ forgery: Forgery) async throws {
        let service = try service()
        try await enlist(ada, bob)
        let view = try await draft(service, by: ada)
        let good = try ada.signature(.propose, version: view.version, document: document)
        var flipped = good
        flipped[40] ^= 1
        let signature: [UInt8]? =
            switch forgery {
            case .missing: nil
            case .empty: []
            case .flipped: flipped
            case .cut: Array(good.dropLast())
            case .otherAct: try ada.signature(.approve, version: view.version, document: document)
            case .otherVersion: try ada.signature(.propose, version: view.version + 1, document: document)
            case .otherDocument: try ada.signature(.propose, version: view.version, document: document + [0x20])
            case .otherKey: try bob.signature(.propose, version: view.version, document: document)
            }
        let refusal = await nodeRefusal { _ = try await act(.propose, view, by: ada, signature, service) }
        #expect(refusal?.code == "REF_SIGNATURE" && refusal?.kind == .invalid)
        #expect(try await service.reference("golden", version: nil, peer: ada.peer).view.status == .draft)
        #expect(try await fixture.events().contains { $0.eventID == "REF_SIGNATURE" })
    }

    @Test("An unknown, expired, not yet valid, removed or impersonated signer is refused, and so is another curve")
    func signers() async throws {
        let service = try service()
        let day: TimeInterval = 86_400
        let stranger = try ReferenceSigner("stranger", of: try StubAuthority(commonName: "operators"))
        let expired = try ReferenceSigner(
            "expired", of: authority, notBefore: Date() - 2 * day, notAfter: Date() - day)
        let early = try ReferenceSigner("early", of: authority, notBefore: Date() + day, notAfter: Date() + 2 * day)
        let curve = try ReferenceSigner("curve", of: authority, p384: P384.Signing.PrivateKey())
        try await enlist(stranger, expired, early, curve)
        let removed = try ReferenceSigner("removed", of: authority)
        try await fixture.store.write { [record = removed.stored(active: false)] in try $0.save(record) }
        // Nobody enlisted this key under the name.
        let impostor = try ReferenceSigner("curve", of: authority)
        for signer in [stranger, expired, early, curve, removed, impostor] {
            let view = try await draft(service, by: signer)
            let refusal = try await refusalCode { try await sign(.propose, view, by: signer, service) }
            #expect(refusal == "REF_SIGNATURE", "\(signer.peer.name)")
        }
    }

    @Test(
        "RV-06: a signer whom the operators' CA revoked is refused with 422, also by a list that came while the verifier ran"
    )
    func revoked() async throws {
        try await enlist(ada, bob)
        let now = Date()
        for entry in [
            RevocationListWriter.Entry(ada.serialNumber, at: now - 60),
            .init(ada.serialNumber, at: now - 60, reason: [4]), .init(ada.serialNumber, at: now + 3600, reason: [1]),
        ] {
            let policy = try policy(.required)
            let service = ReferenceService(store: fixture.store, labMode: false, policy: policy)
            let view = try await draft(service, by: ada)
            policy.operatorTrust.replace(with: try authority.trust(revoking: [entry]))
            let refusal = await nodeRefusal { _ = try await sign(.propose, view, by: ada, service) }
            #expect(refusal?.code == "REF_SIGNATURE" && refusal?.kind == .invalid)
            #expect(refusal?.detail.contains("revoked") == true)
            // Others act on.
            let other = try await draft(service, by: bob)
            _ = try await sign(.propose, other, by: bob, service)
        }
        // Of another CA with the same name, or of another certificate, a list says nothing of her.
        let strangers = try StubAuthority(commonName: "operators").revocationList([.init(ada.serialNumber)])
        let policy = try policy(.required, revoking: [.init(bob.serialNumber)])
        var content = policy.operatorTrust.content
        content = .init(roots: content.roots, revocationLists: [strangers])
        policy.operatorTrust.replace(with: content)
        let service = ReferenceService(store: fixture.store, labMode: false, policy: policy)
        _ = try await sign(.propose, try await draft(service, by: ada), by: ada, service)
    }

    @Test("Where signatures are optional a wrong one is refused all the same, and none is shown as none")
    func optional() async throws {
        let service = try service(.optional)
        try await enlist(ada, bob)
        let view = try await draft(service, by: ada)
        #expect(
            try await refusalCode {
                try await act(.propose, view, by: ada, [UInt8](repeating: 7, count: 64), service)
            } == "REF_SIGNATURE")
        _ = try await act(.propose, view, by: ada, nil, service)
        _ = try await sign(.approve, view, by: bob, service)
        #expect(try await act(.activate, view, by: ada, nil, service).status == .active)
        let detail = try await service.reference("golden", version: nil, peer: ada.peer)
        #expect(detail.signatures?.map(\.act) == [.approve] && detail.signatureProblem == nil)
        let history = try await service.history(ofReference: "golden", peer: ada.peer).items
        #expect(history.first { $0.act == "propose" }?.note == "not signed")
    }

    @Test("A set from before signatures were required is neither activated nor shown as sound")
    func fromBefore() async throws {
        let before = try service(.optional)
        let view = try await draft(before, by: ada)
        _ = try await act(.propose, view, by: ada, nil, before)
        _ = try await act(.approve, view, by: bob, nil, before)
        let service = try service()
        let refusal = await nodeRefusal { _ = try await act(.activate, view, by: ada, nil, service) }
        #expect(refusal?.code == "REF_SIGNATURE" && refusal?.kind == .invalid)
        #expect(
            try await service.reference("golden", version: nil, peer: ada.peer).signatureProblem?.contains("missing")
                == true)
        #expect(
            try await refusalCode {
                try await act(.reject, view, by: bob, [UInt8](repeating: 7, count: 64), service)
            } == "REF_SIGNATURE")
    }
}

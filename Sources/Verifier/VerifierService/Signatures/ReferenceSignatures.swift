internal import AttestationMessages
internal import ByteParsing
internal import Crypto
internal import Endorsements
internal import ReferenceValues

/// Whether sets must carry the signatures of those who proposed and approved them.
package enum ReferenceSignatureRule: String, Hashable, Sendable, CaseIterable {
    /// A set without signatures is used, and shown as not signed.
    case optional
    /// A set without both signatures judges nobody, whenever it was stored.
    case required
}

/// Operators' signatures over reference sets (RV-06, decision 0024). The signature is over the exact bytes that are parsed;
/// its key is that of a certificate which leads to the operators' CA and held when it was made.
enum ReferenceSignatures {
    static let code = "REF_SIGNATURE"
    static let signatureSize = 64
    private static let acts: [ReferenceAct] = [.propose, .approve]

    // MARK: When an operator acts

    /// Checks what an operator sent with an act.
    ///
    /// - Returns: what is to be stored; nil where nothing was sent and nothing is required.
    /// - Throws: `REF_SIGNATURE`.
    static func take(
        _ act: ReferenceAct, on record: ReferenceRecord, _ signature: [UInt8]?, _ peer: OperatorPeer,
        _ policy: VerifierPolicy, _ snapshot: any StoreSnapshot
    ) throws -> ReferenceSignatureRecord? {
        guard acts.contains(act) else {
            guard signature == nil else { throw refusal(record, "\(act.rawValue) takes no signature") }
            return nil
        }
        guard let signature else {
            guard policy.referenceSignatures == .optional else {
                throw refusal(record, "\(act.rawValue) without a signature; this verifier requires one")
            }
            return nil
        }
        let known = try snapshot.operatorRecord(peer.name)
        guard let known, known.active, known.keySHA256 == peer.keySHA256 else {
            throw refusal(record, "\(peer.name) is no operator with this key, or no longer one")
        }
        let signed = ReferenceSignatureRecord(
            name: record.name, version: record.version, act: act, signer: peer.name, certificates: peer.certificates,
            signature: signature, atMilliseconds: snapshot.now)
        if let problem = problem(signed, record, keySHA256: peer.keySHA256, policy) {
            throw refusal(record, problem.detail)
        }
        return signed
    }

    /// Before a version becomes the active one.
    ///
    /// - Throws: `REF_SIGNATURE` where signatures are required and the version lacks one, and as
    ///   ``verify(_:_:_:)``.
    static func demand(
        _ record: ReferenceRecord, _ policy: VerifierPolicy, _ snapshot: any StoreSnapshot
    ) throws {
        let signed = try snapshot.referenceSignatures(record.name, version: record.version)
        for act in acts where policy.referenceSignatures == .required && !signed.contains(where: { $0.act == act }) {
            throw refusal(record, "the signature of \(act.rawValue) is missing; draft its content as a new version")
        }
        try verify(record, policy, snapshot)
    }

    private static func refusal(_ record: ReferenceRecord, _ detail: String) -> ServiceError {
        ServiceError(.invalid, code, "\(record.name)@\(record.version): \(detail)")
    }

    // MARK: When a set is loaded

    /// Checks the stored bytes against everything that was signed and recorded of them, before anybody parses them.
    ///
    /// - Throws: `unavailable` `STORE_TAMPERED` where document or signature are not what an operator signed, and
    ///   `REF_SIGNATURE` where a required one is missing or its signer is revoked: then the set judges nobody.
    static func verify(
        _ record: ReferenceRecord, _ policy: VerifierPolicy, _ snapshot: any StoreSnapshot
    ) throws {
        guard Array(SHA256.hash(data: record.document)) == record.documentSHA256 else {
            throw tampered(record, "the document is not the one whose SHA-256 is recorded")
        }
        let stored = try snapshot.referenceSignatures(record.name, version: record.version)
        for signed in stored {
            let (name, key) =
                signed.act == .propose
                ? (record.proposedBy, record.proposedByKeySHA256) : (record.approvedBy, record.approvedByKeySHA256)
            guard signed.signer == name, let key else {
                throw tampered(record, "\(signed.act.rawValue) is signed by another than is recorded")
            }
            switch problem(signed, record, keySHA256: key, policy) {
            case nil: break
            case .wrong(let detail): throw tampered(record, detail)
            case .revoked(let detail): throw useless(record, "\(signed.act.rawValue) by \(signed.signer): \(detail)")
            }
        }
        let isApproved = [.approved, .active, .retired].contains(record.status)
        if isApproved, !record.labMode, Set(stored.map(\.act)).count == acts.count,
            record.proposedByKeySHA256 == record.approvedByKeySHA256
        {
            throw tampered(record, "one key signed as two persons")
        }
        guard policy.referenceSignatures == .required, isApproved else { return }
        for act in acts where !stored.contains(where: { $0.act == act }) {
            throw useless(record, "the signature of \(act.rawValue) is missing")
        }
    }

    private static func useless(_ record: ReferenceRecord, _ detail: String) -> ServiceError {
        ServiceError(.unavailable, code, "\(record.name)@\(record.version) judges nobody: \(detail)")
    }

    private static func tampered(_ record: ReferenceRecord, _ detail: String) -> ServiceError {
        ServiceError(
            .unavailable, "STORE_TAMPERED", "reference set \(record.name)@\(record.version) judges nobody: \(detail)")
    }

    // MARK: For people

    /// A version with its signatures, and what is wrong with them.
    static func detail(
        _ record: ReferenceRecord, _ policy: VerifierPolicy, _ snapshot: any StoreSnapshot
    ) throws -> ReferenceDetail {
        var problem: String?
        do { try verify(record, policy, snapshot) } catch let error as ServiceError { problem = error.detail }
        // What cannot be put together judges nobody either.
        var effective: [UInt8]?
        do {
            effective = try ReferenceLineage(loading: record, policy, snapshot).effective?.encoded()
        } catch let error as ServiceError { problem = problem ?? error.detail }
        return ReferenceDetail(
            view: ReferenceService.view(record), document: WireBytes(record.document),
            signatures: try snapshot.referenceSignatures(record.name, version: record.version).map { signed in
                ReferenceSignatureView(
                    act: signed.act, signer: signed.signer, atMilliseconds: signed.atMilliseconds,
                    signature: WireBytes(signed.signature), certificates: signed.certificates.map { WireBytes($0) })
            }, signatureProblem: problem,
            effective: effective.map { WireBytes($0) })
    }

    /// What history, audit record and event say of an act.
    static func note(_ act: ReferenceAct, _ signature: ReferenceSignatureRecord?) -> String? {
        guard acts.contains(act) else { return nil }
        return signature == nil ? "not signed" : "signed with the operator's key"
    }

    // MARK: One signature

    private enum Problem {
        /// Nobody of the operators made this signature over this document.
        case wrong(String)
        /// Somebody did who does not count any more.
        case revoked(String)

        var detail: String {
            switch self {
            case .wrong(let detail), .revoked(let detail): detail
            }
        }
    }

    /// Why a signature does not count; nil where it does.
    private static func problem(
        _ signed: ReferenceSignatureRecord, _ record: ReferenceRecord, keySHA256: String, _ policy: VerifierPolicy
    ) -> Problem? {
        let trust = policy.operatorTrust.content
        guard let certificate = IssuedCertificate(chain: signed.certificates, roots: trust.roots) else {
            return .wrong("the signer's certificate leads to no operators' CA")
        }
        let second = signed.atMilliseconds / 1000
        guard certificate.notBefore <= second, second <= certificate.notAfter else {
            return .wrong("the signer's certificate did not hold when the signature was made")
        }
        guard Hex.encode(SHA256.hash(data: certificate.subjectPublicKeyInfo)) == keySHA256 else {
            return .wrong("the signer's certificate is of another key than the operator's")
        }
        guard let key = try? P256.Signing.PublicKey(derRepresentation: certificate.subjectPublicKeyInfo) else {
            return .wrong("the signer's key is no P-256 key")
        }
        let message = ProtocolBinding.reference(
            act: signed.act, version: record.version, document: record.document)
        guard signed.signature.count == signatureSize,
            let signature = try? P256.Signing.ECDSASignature(rawRepresentation: signed.signature),
            key.isValidSignature(signature, for: message)
        else { return .wrong("the signature of \(signed.act.rawValue) does not verify over the stored document") }
        return trust.revocations.reason(against: certificate, at: second).map { .revoked($0) }
    }
}

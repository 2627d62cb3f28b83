import AttestationMessages
import AttestationTestKit
import ByteParsing
import Foundation
import JSONCoding
import NIOCore
import NIOSSL
import TPMCryptography
import TPMStructures

/// What an operator does before a fleet can attest: manifest, settings, reference set. One operator: lab mode only.
struct FleetOperator: Sendable {
    let connection: MutualTLSConnection

    func importManifest(of nodes: [SimulatedNode], group: String) async throws {
        for start in stride(from: 0, to: nodes.count, by: 500) {
            let entries = nodes[start..<min(start + 500, nodes.count)].map { node in
                ManifestEntry(nodeID: node.id, ekName: node.ek.publicArea.name?.hex, site: "fleet", group: group)
            }
            let result = try await send(
                "POST", "/v1/manifest", ManifestImport(entries: entries), as: ManifestImportResult.self)
            guard result.conflicts.isEmpty else { throw FleetError("manifest: \(result.conflicts[0])") }
        }
    }

    func setInterval(_ seconds: Int, group: String) async throws {
        let path = "/v1/groups/\(group)/settings"
        var settings = try StrictJSON.decode(
            GroupSettings.self, from: try await connection.get(path).expect(200))
        settings.attestationIntervalSeconds = seconds
        _ = try await send("PUT", path, settings, as: GroupSettings.self)
    }

    /// Captures a draft from one node, proposes, approves and activates it.
    ///
    /// - Parameter files: what its measurement list may hold; nil where nobody judges it.
    func activateReferences(from node: NodeID, group: String, files: [String]? = nil) async throws {
        let name = "fleet"
        var draft = try await send(
            "POST", "/v1/references",
            ReferenceDraftRequest(
                name: name, group: group, document: nil, captureFrom: [node], note: "simulated fleet"),
            as: ReferenceDetail.self)
        if let files {
            draft = try await send(
                "POST", "/v1/references",
                ReferenceDraftRequest(
                    name: name, group: group, document: WireBytes(try Self.judging(files, draft.document.bytes)),
                    captureFrom: [], note: "simulated fleet"), as: ReferenceDetail.self)
        }
        let act = ReferenceActRequest(documentSHA256: draft.view.documentSHA256, reason: "simulated fleet")
        for step in ["propose", "approve", "activate"] {
            _ = try await send(
                "POST", "/v1/references/\(name)/\(draft.view.version)/\(step)", act, as: ReferenceView.self)
        }
    }

    /// The captured document with the section `runtime`.
    private static func judging(_ files: [String], _ document: [UInt8]) throws -> [UInt8] {
        guard var set = try JSONSerialization.jsonObject(with: Data(document)) as? [String: Any],
            let layers = set["layers"] as? [[String: Any]]
        else { throw FleetError("the captured set is no object with layers") }
        set["layers"] = layers + [["id": "runtime", "required": true, "onUnknown": "fail"]]
        set["runtime"] = ["minimumEntries": 2, "files": files]
        return [UInt8](try JSONSerialization.data(withJSONObject: set))
    }

    private func send<Reply: Decodable>(
        _ method: String, _ path: String, _ body: some Encodable, as type: Reply.Type
    ) async throws -> Reply {
        let bytes = try StrictJSON.encode(body)
        let response =
            method == "PUT"
            ? try await connection.put(path, bytes, contentType: "application/json")
            : try await connection.post(path, bytes)
        // A set comes back with its document.
        return try StrictJSON.decode(Reply.self, from: try response.expect(200, 201), limits: .document)
    }
}

import AttestationMessages
import Foundation
import SoftwareTPM
import Testing

@Suite(
    "Signed reference sets, real verifier", .serialized,
    .enabled(if: Programs.isComplete, Comment(rawValue: Programs.requirement)))
struct SignedReferenceTests {
    private static let set =
        #filePath.split(separator: "/").dropLast(3).reduce(into: "") { $0 += "/" + $1 }
        + "/ReferenceValues/examples/golden-debian12.json"

    @Test("RV-06: where signatures are required, bootgate's own are taken and checked, and a call without one is 422")
    func required() async throws {
        let laboratory = try Laboratory(configuration: "[references]\nsignatures = \"required\"\n")
        try await laboratory.start()
        let name = "golden-debian12"
        let proposed = try laboratory.json(
            [
                "reference", "propose", name, "--document", "@\(Self.set)", "--group", "lab", "--reason", "test",
            ], of: ReferenceView.self)
        let body = "{\"documentSHA256\":\"\(proposed.documentSHA256)\",\"reason\":\"by hand\"}"
        let unsigned = try laboratory.curl(
            "/v1/references/\(name)/1/approve", as: laboratory.identity("bob"),
            ["-H", "Content-Type: application/json", "-d", body])
        #expect(unsigned.status == 422 && unsigned.body.contains("REF_SIGNATURE"), "\(unsigned.body)")
        _ = try laboratory.json(
            as: "bob", ["reference", "approve", name, "--sha256", proposed.documentSHA256, "--reason", "test"],
            of: ReferenceView.self)
        let active = try laboratory.json(
            ["reference", "activate", name, "--reason", "test"], of: ReferenceView.self)
        #expect(active.status == .active)
        let detail = try laboratory.json(["reference", "show", name], of: ReferenceDetail.self)
        #expect(detail.signatures?.map(\.signer) == ["alice", "bob"] && detail.signatureProblem == nil)
        #expect(try laboratory.run("reference", "show", name).text.contains("approve by bob"))
    }
}

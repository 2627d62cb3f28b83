internal import AttestationMessages
internal import HTTPTypes
internal import VerifierService

/// The enrollment listener's routes.
enum EnrollmentRoutes {
    /// EK certificates with their chain are the bulk of an enrollment.
    static let enrollmentLimit = 256 * 1024
    static let activationLimit = 32 * 1024

    static func routes(_ useCases: any EnrollmentUseCases) -> [Route] {
        [
            Route(
                .post, "/v1/enrollments", on: .enrollment, .keyHolder,
                body: .json("EnrollmentRequest", limit: enrollmentLimit), load: .enrollment,
                replies: [RouteReply(201, "EnrollmentChallenge")],
                "Asks for a credential that only the node's TPM opens"
            ) { call in
                // Exact bytes both ways: they enter the transcript that the TPM certifies.
                RouteResult(201, body: try await useCases.enroll(call.body, peer: try call.keyHolder))
            },
            Route(
                .post, "/v1/enrollments/{enrollmentID}/activation", on: .enrollment, .keyHolder,
                body: .json("ActivationRequest", limit: activationLimit), load: .enrollment,
                replies: [RouteReply(201, "EnrollmentResult")], "Proves that the credential was opened"
            ) { call in
                try RouteCall.reply(
                    201,
                    await useCases.activate(
                        enrollmentID: try call.identifier("enrollmentID"), try call.decode(ActivationRequest.self),
                        peer: try call.keyHolder))
            },
            Route(
                .post, "/v1/renewals", on: .enrollment, .keyHolder,
                body: .json("RenewalRequest", limit: activationLimit), load: .enrollment,
                replies: [RouteReply(201, "EnrollmentResult")], "Renews an identity certificate, even an expired one"
            ) { call in
                try RouteCall.reply(
                    201, await useCases.renew(try call.decode(RenewalRequest.self), peer: try call.keyHolder))
            },
        ]
    }
}

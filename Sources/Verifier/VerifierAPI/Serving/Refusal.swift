internal import AttestationMessages
internal import HTTPTypes
internal import Hummingbird
internal import JSONCoding
internal import NIOCore
internal import VerifierService

/// The fixed answer to a refused request: code and reference, nothing else (TA-13). Operators also get the detail.
struct Refusal {
    static let internalError = ServiceError(.unavailable, "API_INTERNAL")

    /// - Parameters:
    ///   - toPerson: whether the caller is an authenticated operator.
    ///   - closing: the connection ends after the answer, because the request's body was not read.
    static func response(
        _ error: ServiceError, status override: Int? = nil, reference: String, toPerson: Bool, closing: Bool
    ) -> Response {
        let status = override ?? StatusTable.status(of: error.kind)
        let problem = Problem(
            code: error.code, reference: reference, verdictID: error.verdictID, offset: error.offset,
            detail: toPerson && !error.detail.isEmpty ? error.detail : nil)
        var headers: HTTPFields = [.contentType: "application/json", .cacheControl: "no-store"]
        if StatusTable.wantsRetryAfter(status) {
            // Jitter, so that those who were refused together do not come back together.
            let base = max(1, min(error.retryAfterSeconds ?? 2, 3600))
            headers[.retryAfter] = String(base + Int.random(in: 0...base))
        }
        if closing { headers[.connection] = "close" }
        let body = (try? StrictJSON.encode(problem)) ?? Array("{\"code\":\"API_INTERNAL\",\"reference\":\"\"}".utf8)
        return Response(
            status: HTTPResponse.Status(code: status), headers: headers,
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: body)))
    }
}

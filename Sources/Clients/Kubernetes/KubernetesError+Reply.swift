internal import JSON
internal import NIOCore
internal import NIOHTTP1

extension KubernetesError {
    /// The number of characters that are kept of a body that is not a `Status`.
    static let excerptLength = 300

    /// Reads a reply whose status is not 2xx.
    ///
    /// The body should be a `Status` (meta/v1). Any other body is accepted too: API priority and fairness answers in
    /// plain text, and proxies answer in HTML.
    init(refusal: HTTPReply, to request: APIRequest) {
        let httpStatus = Int(refusal.status.code)
        let body = try? JSONValue(parsing: refusal.body.readableBytesView)
        let status = body?["kind"]?.string == "Status" ? body : nil
        if let status {
            self.init(status: status, httpStatus: httpStatus, path: request.label)
        } else {
            self.init(
                code: Code(httpStatus: httpStatus, reason: nil), message: Self.excerpt(of: refusal),
                path: request.label,
                httpStatus: httpStatus)
        }
        // Proxies and API priority and fairness set the header. It wins over `retryAfterSeconds` in the body.
        if let seconds = refusal.headers.first(name: "Retry-After").flatMap({ Int($0) }), seconds >= 0 {
            retryAfter = .seconds(seconds)
        }
        if code == .unauthorized, message == "Unauthorized" {
            message = "the server does not accept the client's credentials"
        }
        if code == .notFound { explainMissing(status: status) }
        explain(request)
        // Webhooks are asked before anything is stored.
        isOutcomeUnknown = request.isWrite && httpStatus >= 500 && !isWebhookUnavailable
    }

    /// Adds what the user can do about it.
    private mutating func explain(_ request: APIRequest) {
        if !fieldConflicts.isEmpty {
            message += "; leave those fields out, or apply with force to take them over"
        } else if httpStatus == 415, let contentType = request.contentType {
            message += "; the server does not accept \(contentType) for this resource"
        } else if isAboutPath {
            message += "; check the path of the server's URL"
        }
    }

    /// Reads a `Status` object, as error replies and the `ERROR` events of watches hold it.
    init(status: JSONValue, httpStatus: Int?, path: String) {
        let httpStatus = status["code"]?.integer.map { Int($0) } ?? httpStatus
        let reason = status["reason"]?.string.flatMap { $0.isEmpty ? nil : $0 }
        let message = status["message"]?.string ?? ""
        let details = status["details"]
        self.init(
            code: Code(httpStatus: httpStatus ?? 0, reason: reason),
            message: message.isEmpty ? reason ?? "the server gave no reason" : message,
            path: path, httpStatus: httpStatus, reason: reason,
            statusCauses: (details?["causes"]?.array ?? []).map { cause in
                StatusCause(
                    reason: cause["reason"]?.string ?? "", message: cause["message"]?.string ?? "",
                    field: cause["field"]?.string ?? "")
            },
            retryAfter: details?["retryAfterSeconds"]?.integer.flatMap { $0 > 0 ? .seconds($0) : nil })
    }

    private static func excerpt(of refusal: HTTPReply) -> String {
        if (300..<400).contains(refusal.status.code) {
            let location = refusal.headers.first(name: "Location") ?? "an unknown location"
            return "redirected to \(location), and this client follows no redirect; check the server's URL"
        }
        // A character has at most four bytes. The prefix saves the decoding of a large page.
        let text = String(decoding: refusal.body.readableBytesView.prefix(4 * excerptLength), as: UTF8.self)
        let words = text.split(whereSeparator: \.isWhitespace).joined(separator: " ").prefix(excerptLength)
        return words.isEmpty ? refusal.status.reasonPhrase : String(words)
    }
}

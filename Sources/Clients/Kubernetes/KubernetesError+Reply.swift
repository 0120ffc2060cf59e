internal import JSON
internal import NIOCore
internal import NIOHTTP1

extension KubernetesError {
    /// How much of a body that is not a `Status` is kept, in characters.
    static let excerptLength = 300

    /// Reads a refusal. The body should be a `Status` (meta/v1), but priority and fairness answer in plain text and
    /// proxies in HTML, so anything is taken.
    init(refusal: HTTPReply, to request: APIRequest) {
        let httpStatus = Int(refusal.status.code)
        let status = try? JSONValue(parsing: refusal.body.readableBytesView)
        if let status, status["kind"]?.string == "Status" {
            self.init(status: status, httpStatus: httpStatus, path: request.label)
        } else {
            self.init(
                code: Code(httpStatus: httpStatus, reason: nil), message: Self.excerpt(of: refusal),
                path: request.label,
                httpStatus: httpStatus)
        }
        // The header is what proxies and priority and fairness set; it also counts when both are there.
        if let seconds = refusal.headers.first(name: "Retry-After").flatMap({ Int($0) }), seconds >= 0 {
            retryAfter = .seconds(seconds)
        }
        if code == .unauthorized, message == "Unauthorized" {
            message = "the server does not accept the client's credentials"
        }
        explain(request)
        isOutcomeUnknown = request.isWrite && httpStatus >= 500
    }

    /// Says what to do where the server only says what is wrong.
    private mutating func explain(_ request: APIRequest) {
        if !fieldConflicts.isEmpty {
            message += "; leave those fields out, or apply with force to take them over"
        } else if httpStatus == 415, let contentType = request.contentType {
            message += "; the server takes no \(contentType) for this resource"
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
            causes: (details?["causes"]?.array ?? []).map { cause in
                Cause(
                    reason: cause["reason"]?.string ?? "", message: cause["message"]?.string ?? "",
                    field: cause["field"]?.string ?? "")
            },
            retryAfter: details?["retryAfterSeconds"]?.integer.flatMap { $0 > 0 ? .seconds($0) : nil })
    }

    private static func excerpt(of refusal: HTTPReply) -> String {
        if (300..<400).contains(refusal.status.code) {
            let location = refusal.headers.first(name: "Location") ?? "an unnamed place"
            return "redirected to \(location), which the client does not follow; check the server's URL"
        }
        // At most four bytes make a character, so that a large page is not decoded whole.
        let text = String(decoding: refusal.body.readableBytesView.prefix(4 * excerptLength), as: UTF8.self)
        let words = text.split(whereSeparator: \.isWhitespace).joined(separator: " ").prefix(excerptLength)
        return words.isEmpty ? refusal.status.reasonPhrase : String(words)
    }
}

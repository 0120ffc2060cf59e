/// Why a request to the API server, or the reading of a configuration, failed.
///
/// The code says which kind of failure it is and may gain values in later versions; everything else is for people
/// and for callers that need the details of one kind. Tokens, keys and the bodies of requests are never part of it.
public struct KubernetesError: Error, Sendable, Hashable {
    /// Which kind of failure.
    public var code: Code
    /// What happened, in words: the server's own where it gave any.
    public var message: String
    /// The request's verb and URL path, such as `GET /api/v1/namespaces`; `nil` when no request was made.
    public var path: String?
    /// The HTTP status of the reply, or the code in the `Status` of a watch; `nil` without a reply.
    public var httpStatus: Int?
    /// The server's machine-readable reason, such as `Invalid` or `AlreadyExists`.
    public var reason: String?
    /// What the server had to say about single fields.
    public var causes: [Cause]
    /// How long the server wants to be left alone.
    public var retryAfter: Duration?
    /// Whether a write may have been carried out although it failed: it timed out, its connection was lost, the
    /// reply was unreadable or a 5xx. Always `false` for reads.
    public var isOutcomeUnknown: Bool

    public init(
        code: Code, message: String, path: String? = nil, httpStatus: Int? = nil, reason: String? = nil,
        causes: [Cause] = [], retryAfter: Duration? = nil, isOutcomeUnknown: Bool = false
    ) {
        self.code = code
        self.message = message
        self.path = path
        self.httpStatus = httpStatus
        self.reason = reason
        self.causes = causes
        self.retryAfter = retryAfter
        self.isOutcomeUnknown = isOutcomeUnknown
    }

    /// One field's part in a failure (`StatusCause` of meta/v1).
    public struct Cause: Sendable, Hashable {
        /// Such as `FieldValueInvalid`; may be empty.
        public var reason: String
        public var message: String
        /// The path of the field, such as `spec.hosts[0]`; may be empty.
        public var field: String

        public init(reason: String, message: String, field: String) {
            self.reason = reason
            self.message = message
            self.field = field
        }
    }
}

extension KubernetesError: CustomStringConvertible {
    public var description: String {
        var text = path.map { "\($0): " } ?? ""
        text += httpStatus.map { "\(code) (HTTP \($0))" } ?? "\(code)"
        text += ": \(message)"
        // The server's message for an invalid object already names the fields.
        for cause in causes where !message.contains(cause.message) {
            text += "; \(cause.field.isEmpty ? "" : "\(cause.field): ")\(cause.message)"
        }
        if let retryAfter { text += " (retry after \(retryAfter))" }
        if isOutcomeUnknown { text += " (it is unknown whether the write was carried out)" }
        return text
    }
}

internal import Text

/// A failure of a request to the API server, of the reading of a configuration, or of the conversion of an object.
///
/// The code tells the kinds of failure apart. Everything else is for people, and for callers that need the details of
/// one kind. No property but ``cause`` ever holds a token, a key or the body of a request.
///
/// Two errors are equal when all their properties but ``cause`` are equal.
public struct KubernetesError: Error, Sendable {
    /// The kind of failure.
    public var code: Code
    /// What happened, in words for people. Where the server gave a message, it is the server's.
    public var message: String
    /// The request's method and URL path, such as `GET /api/v1/namespaces`; `nil` when no request was made.
    public var path: String?
    /// The HTTP status of the reply, or the code in the `Status` that a watch sent; `nil` without a reply.
    public var httpStatus: Int?
    /// The server's machine-readable reason, such as `Invalid` or `AlreadyExists`.
    public var reason: String?
    /// What the server says about single fields.
    public var statusCauses: [StatusCause]
    /// What does not exist, of a failure with ``Code/notFound``; `nil` for every other failure.
    public var missing: Missing?
    /// How long the server asks the client to wait before the next request (`Retry-After`).
    public var retryAfter: Duration?
    /// Whether a write may have been carried out although it failed: it timed out, its connection was lost, or its
    /// reply was unreadable or a 5xx. Always `false` for reads.
    public var isOutcomeUnknown: Bool
    /// The error of the layer below, such as the HTTP client, the file system or a `Decoder`. It is not printed with
    /// this error, since it may quote the content of an object.
    public var cause: (any Error)?

    public init(
        code: Code, message: String, path: String? = nil, httpStatus: Int? = nil, reason: String? = nil,
        statusCauses: [StatusCause] = [], missing: Missing? = nil, retryAfter: Duration? = nil,
        isOutcomeUnknown: Bool = false,
        cause: (any Error)? = nil
    ) {
        self.code = code
        self.message = message
        self.path = path
        self.httpStatus = httpStatus
        self.reason = reason
        self.statusCauses = statusCauses
        self.missing = missing
        self.retryAfter = retryAfter
        self.isOutcomeUnknown = isOutcomeUnknown
        self.cause = cause
    }

    /// What the server says about one field (`StatusCause` of meta/v1).
    public struct StatusCause: Sendable, Hashable {
        /// The server's machine-readable reason, such as `FieldValueInvalid`; may be empty.
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

extension KubernetesError {
    /// Whether the server refused a write because it could not ask an admission webhook. The webhook may be needed for
    /// other objects too.
    public var isWebhookUnavailable: Bool { httpStatus == 500 && message.contains("failed calling webhook") }

    /// Whether the client's user lacks a permission. A refusal for the content of the request, for the state of the
    /// namespace or for the path of the server's URL is none of that.
    public var isPermissionMissing: Bool {
        code == .forbidden && !isAboutPath
            && !["denied the request", "is being terminated", "exceeded quota"].contains { message.contains($0) }
    }

    /// Whether the client's user may not read a path that is no resource, such as that of the discovery. Every user
    /// may, unless the path is another one.
    var isAboutPath: Bool { code == .forbidden && message.contains(" cannot get path ") }
}

extension KubernetesError: Hashable {
    public static func == (left: Self, right: Self) -> Bool {
        left.code == right.code && left.message == right.message && left.path == right.path
            && left.httpStatus == right.httpStatus && left.reason == right.reason
            && left.statusCauses == right.statusCauses && left.missing == right.missing
            && left.retryAfter == right.retryAfter
            && left.isOutcomeUnknown == right.isOutcomeUnknown
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(code)
        hasher.combine(message)
        hasher.combine(path)
        hasher.combine(httpStatus)
    }
}

extension KubernetesError: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String {
        var text = path.map { "\($0): " } ?? ""
        text += httpStatus.map { "\(code) (HTTP \($0))" } ?? "\(code)"
        text += ": \(message)"
        // The server's message for an invalid object names the fields already.
        for cause in statusCauses where !message.contains(cause.message) {
            text += "; \(cause.field.isEmpty ? "" : "\(cause.field): ")\(cause.message)"
        }
        if let retryAfter { text += " (retry after \(retryAfter.readable))" }
        if isOutcomeUnknown { text += " (it is unknown whether the write was carried out)" }
        return text
    }

    public var debugDescription: String { description }
    /// Without the cause, so that a dump shows no content of an object either.
    public var customMirror: Mirror { Mirror(self, children: ["description": description]) }
}

extension KubernetesError {
    /// A kind of failure. Compare it with the constants; a later version may add some.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Value: String {
            case unauthorized, forbidden, notFound, alreadyExists, conflict, gone, invalid, badRequest, tooLarge
            case unsupported, tooManyRequests, serverTimeout, serverError, unavailable
            case unreachable, tlsFailed, credentialsUnavailable, timedOut, idle, connectionLost, endedEarly,
                malformedReply, replyTooLarge
            case configuration, cancelled, shutDown
        }

        private let value: Value

        private init(_ value: Value) {
            self.value = value
        }

        public var description: String { value.rawValue }
    }
}

extension KubernetesError.Code {
    /// 401: the credentials are missing, wrong or expired.
    public static let unauthorized = Self(.unauthorized)
    /// 403: the user lacks the permission, or admission refused the object.
    public static let forbidden = Self(.forbidden)
    /// 404: no such object, resource type or namespace.
    public static let notFound = Self(.notFound)
    /// 409 on create: the name is taken.
    public static let alreadyExists = Self(.alreadyExists)
    /// 409: a precondition (uid, resourceVersion) did not hold.
    public static let conflict = Self(.conflict)
    /// 410: the resource version or the `continue` token is too old; list again.
    public static let gone = Self(.gone)
    /// 422: the object is invalid, and stays so until it changes.
    public static let invalid = Self(.invalid)
    /// 400, and other 4xx without a code of their own.
    public static let badRequest = Self(.badRequest)
    /// 413: the object is larger than the server takes.
    public static let tooLarge = Self(.tooLarge)
    /// 405, 406 or 415: the server does not offer that verb or media type.
    public static let unsupported = Self(.unsupported)
    /// 429: the server sheds load; see `retryAfter`.
    public static let tooManyRequests = Self(.tooManyRequests)
    /// 504, and reasons `Timeout` and `ServerTimeout`: the server ran out of time.
    public static let serverTimeout = Self(.serverTimeout)
    /// 500, and other 5xx without a code of their own.
    public static let serverError = Self(.serverError)
    /// 502 or 503: the server, or a proxy before it, cannot serve now.
    public static let unavailable = Self(.unavailable)
    /// No connection: refused, no route, unknown host. Nothing was sent.
    public static let unreachable = Self(.unreachable)
    /// TLS failed: the server's certificate is not trusted or for another name, or the server refuses the client's.
    public static let tlsFailed = Self(.tlsFailed)
    /// The credential plug-in failed. Nothing was sent.
    public static let credentialsUnavailable = Self(.credentialsUnavailable)
    /// No complete reply within the request's time.
    public static let timedOut = Self(.timedOut)
    /// A watch brought nothing, not even a bookmark, for longer than its idle limit.
    public static let idle = Self(.idle)
    /// The connection broke after the request was sent.
    public static let connectionLost = Self(.connectionLost)
    /// The server ended a watch within a second, without an event.
    public static let endedEarly = Self(.endedEarly)
    /// The reply is not what the Kubernetes API promises.
    public static let malformedReply = Self(.malformedReply)
    /// The reply, or one watch event, exceeds the client's limit.
    public static let replyTooLarge = Self(.replyTooLarge)
    /// The kubeconfig, the pod's service account or an argument cannot be used.
    public static let configuration = Self(.configuration)
    /// The caller's task was cancelled.
    public static let cancelled = Self(.cancelled)
    /// The client was shut down.
    public static let shutDown = Self(.shutDown)

    /// The code for a reply's status and, where one status has several meanings, its reason.
    init(httpStatus: Int, reason: String?) {
        switch (httpStatus, reason) {
        case (401, _): self = .unauthorized
        case (403, _): self = .forbidden
        case (404, _): self = .notFound
        case (405, _), (406, _), (415, _): self = .unsupported
        case (409, "AlreadyExists"): self = .alreadyExists
        case (409, _): self = .conflict
        case (410, _), (_, "Expired"), (_, "Gone"): self = .gone
        case (413, _): self = .tooLarge
        case (422, _): self = .invalid
        case (429, _): self = .tooManyRequests
        case (504, _), (_, "ServerTimeout"), (_, "Timeout"): self = .serverTimeout
        case (502, _), (503, _): self = .unavailable
        case (500..., _): self = .serverError
        case (400..<500, _): self = .badRequest
        default: self = .malformedReply
        }
    }
}

extension KubernetesError {
    /// A kind of failure. Compare it with the constants. A later version may add constants.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Value: String {
            case unauthorized, forbidden, notFound, alreadyExists, conflict, gone, invalid, badRequest, tooLarge
            case unsupported, tooManyRequests, serverTimeout, serverError, unavailable
            case unreachable, tlsFailed, credentialsUnavailable, timedOut, idle, connectionLost, endedEarly,
                malformedReply, replyTooLarge
            case encodingFailed, decodingFailed
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
    /// 403: the user lacks the permission, or an admission controller refused the object.
    public static let forbidden = Self(.forbidden)
    /// 404: the object, the resource type or the namespace does not exist.
    public static let notFound = Self(.notFound)
    /// 409 of a create: an object of this name exists.
    public static let alreadyExists = Self(.alreadyExists)
    /// 409: a precondition (uid, resourceVersion) did not hold, or an apply met fields of another manager.
    public static let conflict = Self(.conflict)
    /// 410: the resource version or the `continue` token is too old. List again.
    public static let gone = Self(.gone)
    /// 422: the object is invalid.
    public static let invalid = Self(.invalid)
    /// 400, and other 4xx without a code of their own.
    public static let badRequest = Self(.badRequest)
    /// 413: the object is larger than the server accepts.
    public static let tooLarge = Self(.tooLarge)
    /// 405, 406 or 415: the server does not support the verb or the media type for this resource.
    public static let unsupported = Self(.unsupported)
    /// 429: the server sheds load. Wait for `retryAfter`.
    public static let tooManyRequests = Self(.tooManyRequests)
    /// 504, and the reasons `Timeout` and `ServerTimeout`: the server did not finish in time.
    public static let serverTimeout = Self(.serverTimeout)
    /// 500, and other 5xx without a code of their own.
    public static let serverError = Self(.serverError)
    /// 502 or 503: the server, or a proxy before it, is unavailable.
    public static let unavailable = Self(.unavailable)
    /// There is no connection: it was refused, there is no route, or the host is unknown. Nothing was sent.
    public static let unreachable = Self(.unreachable)
    /// TLS failed: the server's certificate is not trusted or is for another name, or the server refuses the client's.
    public static let tlsFailed = Self(.tlsFailed)
    /// The credential plug-in failed. Nothing was sent.
    public static let credentialsUnavailable = Self(.credentialsUnavailable)
    /// No complete reply came within ``KubernetesClient/Options/requestTimeout``.
    public static let timedOut = Self(.timedOut)
    /// A watch sent nothing, not even a bookmark, for ``KubernetesClient/Options/watchIdleTimeout``.
    public static let idle = Self(.idle)
    /// The connection broke after the request was sent.
    public static let connectionLost = Self(.connectionLost)
    /// The server ended a watch within a second, without an event.
    public static let endedEarly = Self(.endedEarly)
    /// The reply does not follow the Kubernetes API.
    public static let malformedReply = Self(.malformedReply)
    /// The reply, or one watch event, is larger than the client's limit.
    public static let replyTooLarge = Self(.replyTooLarge)
    /// A value cannot be encoded as the body of a request. Nothing was sent.
    public static let encodingFailed = Self(.encodingFailed)
    /// Bytes are not JSON, or the content of an object does not fit the Swift type.
    public static let decodingFailed = Self(.decodingFailed)
    /// The kubeconfig, the pod's service account or an argument cannot be used.
    public static let configuration = Self(.configuration)
    /// The caller's task was cancelled.
    public static let cancelled = Self(.cancelled)
    /// The client was shut down.
    public static let shutDown = Self(.shutDown)

    /// Makes the code from a reply's status and, where one status has several meanings, from its reason.
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

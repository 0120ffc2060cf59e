extension ZooKeeperError {
    /// The kind of a failure.
    ///
    /// Most codes are values of ZooKeeper's `KeeperException.Code`. A server may send values that are not listed here,
    /// and later versions may add codes: give a `switch` over codes a `default`.
    public struct Code: Hashable, Sendable {
        /// ZooKeeper's own values are 0 or less, the client's own are positive.
        package let rawValue: Int32

        package init(rawValue: Int32) {
            self.rawValue = rawValue
        }

        /// The value of `KeeperException.Code`, such as −101; `nil` for a code that only this client has.
        public var keeperExceptionCode: Int32? { rawValue > 0 ? nil : rawValue }
    }
}

// MARK: - Codes of ZooKeeper

extension ZooKeeperError.Code {
    /// The server failed in a way that it does not describe.
    public static let systemError = Self(rawValue: -1)
    /// The server found its state inconsistent. In a `multi`, the steps after the failed one have this code.
    public static let runtimeInconsistency = Self(rawValue: -2)
    /// The server found its data inconsistent.
    public static let dataInconsistency = Self(rawValue: -3)
    /// The connection was lost before the reply arrived, or there is no connection. `isOutcomeUnknown` says whether the
    /// request was sent.
    public static let connectionLoss = Self(rawValue: -4)
    /// The server could not read the request. Some servers answer so to a feature that they do not have.
    public static let marshallingError = Self(rawValue: -5)
    /// The server does not know the operation. It closes the connection after this reply.
    public static let unimplemented = Self(rawValue: -6)
    /// The server did not finish the operation in its time.
    public static let operationTimeout = Self(rawValue: -7)
    /// The server refuses the arguments of the request.
    public static let badArguments = Self(rawValue: -8)
    /// There is no such znode.
    public static let noNode = Self(rawValue: -101)
    /// The access control list of the znode does not permit the request.
    public static let noAuth = Self(rawValue: -102)
    /// The znode has another version than the request expects.
    public static let badVersion = Self(rawValue: -103)
    /// The parent is ephemeral and can't have children.
    public static let noChildrenForEphemerals = Self(rawValue: -108)
    /// A znode with this path exists.
    public static let nodeExists = Self(rawValue: -110)
    /// The znode has children.
    public static let notEmpty = Self(rawValue: -111)
    /// The ensemble has ended the session.
    public static let sessionExpired = Self(rawValue: -112)
    /// The access control list is empty, or has an entry that the server does not accept.
    public static let invalidACL = Self(rawValue: -114)
    /// The server refused a credential of the client and closed the connection. No request was sent after it.
    public static let authFailed = Self(rawValue: -115)
    /// Another connection has resumed the session at another server.
    public static let sessionMoved = Self(rawValue: -118)
    /// The server is in read-only mode. It refuses writes and `sync`.
    public static let notReadOnly = Self(rawValue: -119)
    /// A local session can't own an ephemeral znode.
    public static let ephemeralOnLocalSession = Self(rawValue: -120)
    /// There is no such watch to remove.
    public static let noWatcher = Self(rawValue: -121)
    /// The reply did not arrive within `Configuration.requestTimeout`. The connection stays open; the client discards a
    /// later reply. `isOutcomeUnknown` says whether a write may have taken effect. A watch that the request sets may
    /// stand.
    public static let requestTimeout = Self(rawValue: -122)
    /// The ensemble requires SASL authentication, which this client does not support. The server closes the connection.
    public static let requiresSASL = Self(rawValue: -124)
    /// A quota is exceeded (3.7 and later).
    public static let quotaExceeded = Self(rawValue: -125)
    /// The server is overloaded and did not carry out the request (3.7 and later). Retry it with a backoff.
    public static let throttled = Self(rawValue: -127)
}

// MARK: - Codes of this client

extension ZooKeeperError.Code {
    /// The client was stopped: the task of `run()` was cancelled. A client runs once; make a new one.
    public static let closed = Self(rawValue: 1)
    /// A connection string, a path or a setting is not valid. Nothing was sent.
    public static let invalidInput = Self(rawValue: 2)
    /// The reply does not follow the protocol. The client closes the connection. A write took effect.
    public static let malformedReply = Self(rawValue: 3)
    /// `Configuration.maximumOutstandingRequests` are outstanding. This request was not sent.
    public static let tooManyRequests = Self(rawValue: 4)
    /// The reply is longer than `Configuration.replyLimit` and was skipped. The request itself succeeded: a write took
    /// effect and a watch stands. The connection stays open.
    public static let replyTooLarge = Self(rawValue: 5)
    /// The task of the request was cancelled. The client discards a later reply. `isOutcomeUnknown` says whether a
    /// write may have taken effect. A watch that the request sets may stand.
    public static let cancelled = Self(rawValue: 6)
    /// The client is not running yet: `run()` has not begun.
    public static let notRunning = Self(rawValue: 7)
}

// MARK: - Text

extension ZooKeeperError.Code: CustomStringConvertible {
    /// The name of the code, such as `noNode`.
    public var description: String { text?.name ?? "error \(rawValue)" }

    /// The standard message of an error with this code.
    var explanation: String { text?.explanation ?? "the server replied with the error \(rawValue)" }

    private var text: (name: String, explanation: String)? {
        switch self {
        case .systemError: ("systemError", "the server failed")
        case .runtimeInconsistency: ("runtimeInconsistency", "the server found its state inconsistent")
        case .dataInconsistency: ("dataInconsistency", "the server found its data inconsistent")
        case .connectionLoss: ("connectionLoss", "the connection was lost before the reply arrived")
        case .marshallingError: ("marshallingError", "the server could not read the request")
        case .unimplemented:
            ("unimplemented", "the server does not know this operation: it is too old, or the feature is switched off")
        case .operationTimeout: ("operationTimeout", "the server did not finish the operation in its time")
        case .badArguments: ("badArguments", "the server refuses the arguments of the request")
        case .noNode: ("noNode", "there is no such znode")
        case .noAuth:
            ("noAuth", "the access control list does not permit it: give the client a credential that it permits")
        case .badVersion: ("badVersion", "the znode has another version than the request expects")
        case .noChildrenForEphemerals: ("noChildrenForEphemerals", "an ephemeral znode can't have children")
        case .nodeExists: ("nodeExists", "the znode exists already")
        case .notEmpty: ("notEmpty", "the znode has children")
        case .sessionExpired: ("sessionExpired", "the session has expired")
        case .invalidACL: ("invalidACL", "the access control list is not valid")
        case .authFailed: ("authFailed", "the server refused the credential")
        case .sessionMoved: ("sessionMoved", "the session has moved to another server")
        case .notReadOnly: ("notReadOnly", "the server is in read-only mode")
        case .ephemeralOnLocalSession: ("ephemeralOnLocalSession", "a local session can't own an ephemeral znode")
        case .noWatcher: ("noWatcher", "there is no such watch")
        case .requestTimeout: ("requestTimeout", "the reply did not arrive within requestTimeout")
        case .requiresSASL: ("requiresSASL", "the ensemble requires SASL, which this client does not support")
        case .quotaExceeded: ("quotaExceeded", "a quota is exceeded")
        case .throttled: ("throttled", "the server is overloaded and did not carry out the request; retry later")
        case .closed: ("closed", "the client was stopped; a client runs once, so make a new one")
        case .invalidInput: ("invalidInput", "the input is not valid")
        case .malformedReply: ("malformedReply", "the reply does not follow the protocol")
        case .tooManyRequests: ("tooManyRequests", "too many requests are outstanding")
        case .replyTooLarge: ("replyTooLarge", "the reply is longer than replyLimit")
        case .cancelled: ("cancelled", "the task of the request was cancelled")
        case .notRunning:
            (
                "notRunning",
                "the client is not running: call run() in a task and await waitUntilConnected(), or use withClient"
            )
        default: nil
        }
    }
}

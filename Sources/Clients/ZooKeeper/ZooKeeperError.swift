/// What went wrong with a request, a session or a configuration of the client.
public struct ZooKeeperError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kind of failure. The values of ZooKeeper itself are those of `KeeperException.Code`; a server may send
    /// others, so a `switch` over codes needs a default.
    public struct Code: RawRepresentable, Hashable, Sendable {
        public var rawValue: Int32

        public init(rawValue: Int32) {
            self.rawValue = rawValue
        }

        /// The connection was lost before the answer came. Whether a write took effect is unknown.
        public static let connectionLoss = Code(rawValue: -4)
        /// The server could not read the request; some answer so where they do not know a feature.
        public static let marshallingError = Code(rawValue: -5)
        /// The server does not know the operation. It closes the connection after saying so.
        public static let unimplemented = Code(rawValue: -6)
        public static let badArguments = Code(rawValue: -8)
        public static let noNode = Code(rawValue: -101)
        /// The session may not do this to the znode: an access control list forbids it.
        public static let noAuth = Code(rawValue: -102)
        public static let badVersion = Code(rawValue: -103)
        public static let noChildrenForEphemerals = Code(rawValue: -108)
        public static let nodeExists = Code(rawValue: -110)
        public static let notEmpty = Code(rawValue: -111)
        public static let sessionExpired = Code(rawValue: -112)
        public static let invalidACL = Code(rawValue: -114)
        /// The server refused a credential of the client's, and closed the connection; nothing was sent after it.
        public static let authFailed = Code(rawValue: -115)
        public static let sessionMoved = Code(rawValue: -118)
        /// The server is in read-only mode and refuses writes and `sync`.
        public static let notReadOnly = Code(rawValue: -119)
        /// There is no such watch to remove.
        public static let noWatcher = Code(rawValue: -121)
        /// The ensemble takes only clients that authenticate with SASL, which this client doesn't.
        public static let requiresSASL = Code(rawValue: -124)
        public static let quotaExceeded = Code(rawValue: -125)
        public static let throttled = Code(rawValue: -127)

        /// The client is not running, or has been stopped.
        public static let closed = Code(rawValue: 1)
        /// A connection string or a path that can't be.
        public static let invalidInput = Code(rawValue: 2)
        /// An answer that is not what the protocol says it is.
        public static let malformedReply = Code(rawValue: 3)
        /// `Configuration.maximumOutstandingRequests` are on the wire or wait for it; this one was not sent.
        public static let tooManyRequests = Code(rawValue: 4)
        /// The reply is longer than `Configuration.replyLimit` and was passed over. What the request was to do is done, be
        /// it a write or the setting of a watch, and the session and the connection go on.
        public static let replyTooLarge = Code(rawValue: 5)
    }

    public var code: Code
    /// The path that the request named, as the caller gave it.
    public var path: String?
    /// What happened, for people.
    public var message: String
    /// Which step of a `multi` failed, counted from 0; `nil` for every other request.
    public var operationIndex: Int?

    public init(_ code: Code, path: String? = nil, message: String? = nil, operationIndex: Int? = nil) {
        self.code = code
        self.path = path
        self.operationIndex = operationIndex
        self.message = message ?? code.explanation
    }

    public var description: String {
        let step = operationIndex.map { "step \($0) of the multi: " } ?? ""
        return path.map { "ZooKeeper: \(step)\(message) (\($0))" } ?? "ZooKeeper: \(step)\(message)"
    }
}

extension ZooKeeperError.Code {
    fileprivate var explanation: String {
        switch self {
        case .connectionLoss: "the connection was lost before the answer came"
        case .marshallingError: "the server could not read the request"
        case .unimplemented:
            "the server does not know this operation: it is too old, or the feature is not switched on there"
        case .badArguments: "the server refuses the arguments"
        case .noNode: "there is no such znode"
        case .noAuth: "an access control list forbids it; give the client a credential with the right to do this"
        case .badVersion: "the znode has another version than the one expected"
        case .noChildrenForEphemerals: "an ephemeral znode can't have children"
        case .nodeExists: "the znode exists already"
        case .notEmpty: "the znode has children"
        case .sessionExpired: "the session has expired"
        case .invalidACL: "the access control list is not valid"
        case .authFailed: "the credential was refused"
        case .sessionMoved: "the session has moved to another server"
        case .notReadOnly: "the server is in read-only mode"
        case .noWatcher: "there is no such watch"
        case .requiresSASL: "the ensemble takes only clients that authenticate with SASL, which this client does not"
        case .quotaExceeded: "a quota is exceeded"
        case .throttled: "the server is throttling requests"
        case .closed: "the client is not running"
        case .replyTooLarge: "the reply is longer than the limit (replyLimit)"
        default: "the server answered with error \(rawValue)"
        }
    }
}

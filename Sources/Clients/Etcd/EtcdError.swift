internal import GRPC

/// A failure of a request, of a watch or of a connection attempt. The message is for people and has no credential.
package struct EtcdError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Code: Hashable, Sendable {
        /// There is no connection, or it ended before the answer arrived.
        case disconnected
        case timedOut
        case cancelled
        /// The revision is gone from the server's history.
        case compacted
        /// The server is not as far as the revision. It lags, or was restored from a backup.
        case futureRevision
        /// The token is not valid any more.
        case invalidToken
        /// The server refuses the user or the password.
        case authenticationFailed
        /// The server wants a user and none is configured.
        case userNeeded
        case permissionDenied
        /// The server has no leader, or can't serve for another reason that may pass.
        case unavailable
        case overloaded
        /// The answer is longer than `messageLimit`.
        case replyTooLarge
        case failed
        /// The answer does not follow the protocol.
        case malformedReply
        /// A setting can't be used.
        case configuration
    }

    package var code: Code
    package var message: String

    package init(_ code: Code, _ message: String? = nil) {
        self.code = code
        self.message = message ?? code.explanation
    }

    package var description: String { "etcd: \(message)" }
}

extension EtcdError.Code {
    fileprivate var explanation: String {
        switch self {
        case .disconnected: "there is no connection to a server"
        case .timedOut: "the answer did not arrive in time"
        case .cancelled: "the request was cancelled"
        case .compacted: "the revision is gone from the server's history"
        case .futureRevision: "the server is not as far as the revision that is known already"
        case .invalidToken: "the server does not accept the token any more"
        case .authenticationFailed: "the server refuses the user or the password"
        case .userNeeded: "the server wants a user: give `username` and a password"
        case .permissionDenied:
            "the user may not read all keys below the prefix: grant its role read on the whole prefix"
        case .unavailable: "the server can't serve now"
        case .overloaded: "the server has too much to do"
        case .replyTooLarge: "the answer is longer than the limit"
        case .failed: "the server failed"
        case .malformedReply: "the answer does not follow the protocol"
        case .configuration: "a setting can't be used"
        }
    }
}

extension EtcdError {
    init(_ status: GRPCStatus) {
        self.init(status: status.code, text: status.message)
    }

    /// The reason of a watch that the server refuses or ends.
    init(cancelReason text: String) {
        self.init(status: .unknown, text: text)
    }

    private init(status: GRPCStatus.Code, text: String) {
        let code = Self.code(text) ?? Self.code(status)
        switch code {
        case .permissionDenied, .userNeeded, .authenticationFailed, .disconnected, .replyTooLarge: self.init(code)
        default: self.init(code, text.isEmpty ? "the call failed (\(status))" : "the server says: \(text)")
        }
    }

    /// By the words of `rpctypes/error.go`: one status stands for several errors.
    private static func code(_ text: String) -> Code? {
        let known: [(String, Code)] = [
            ("required revision has been compacted", .compacted), ("future revision", .futureRevision),
            ("invalid auth token", .invalidToken), ("revision of auth store is old", .invalidToken),
            ("auth revision in header is old", .invalidToken), ("user name is empty", .userNeeded),
            ("authentication failed", .authenticationFailed), ("permission denied", .permissionDenied),
            ("no leader", .unavailable), ("too many requests", .overloaded), ("longer than the limit", .replyTooLarge),
            // These are of our own room `GRPC`.
            ("the connection ended", .disconnected), ("no stream can be opened", .disconnected),
        ]
        return known.first { text.contains($0.0) }?.1
    }

    private static func code(_ status: GRPCStatus.Code) -> Code {
        switch status {
        case .cancelled, .aborted: .disconnected
        case .unavailable: .unavailable
        case .deadlineExceeded: .timedOut
        case .permissionDenied: .permissionDenied
        case .unauthenticated: .invalidToken
        case .resourceExhausted: .overloaded
        default: .failed
        }
    }
}

/// A failure of a request, of a connection attempt or of a setting.
///
/// The message is for people. No part of an error contains a credential.
package struct NacosError: Error, Sendable {
    /// The kind of failure.
    package var code: Code
    /// The failure in words, with the next step where there is one.
    package var message: String
    /// The request, the service or the configuration that the failure is about; `nil` where there is none.
    package var subject: String?
    /// The error of a lower layer, such as the network or TLS. Two errors that differ in their cause only are equal.
    package var cause: (any Error)?

    /// - Parameter message: `nil` for the standard message of the code.
    package init(_ code: Code, _ message: String? = nil, subject: String? = nil, cause: (any Error)? = nil) {
        self.code = code
        self.message = message ?? code.explanation
        self.subject = subject
        self.cause = cause
    }

    /// The same failure, of another request.
    func about(_ subject: String?) -> NacosError {
        var error = self
        error.subject = subject
        return error
    }
}

extension NacosError: Hashable {
    package static func == (left: NacosError, right: NacosError) -> Bool {
        left.code == right.code && left.message == right.message && left.subject == right.subject
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(code)
        hasher.combine(message)
        hasher.combine(subject)
    }
}

extension NacosError: CustomStringConvertible {
    package var description: String {
        subject.map { "Nacos: \(message) (\($0))" } ?? "Nacos: \(message)"
    }
}

extension NacosError {
    /// The kind of a failure.
    package enum Code: Hashable, Sendable {
        /// There is no connection, or it ended before the answer arrived.
        case disconnected
        /// The client does not run yet.
        case notRunning
        /// The client was stopped.
        case closed
        /// The task of the request was cancelled.
        case cancelled
        /// The answer did not arrive in time.
        case timedOut
        /// The server is starting (300).
        case serverStarting
        /// The server does not know the connection any more (301).
        case unregistered
        /// The server, or its version, does not have this request (302, 404, 410, 501).
        case unsupported
        /// The server refuses a parameter (400).
        case invalidRequest
        /// The server refuses the credentials, or they lack a right (403).
        case forbidden
        /// The server has too much to do (503, 429).
        case overloaded
        /// A fuzzy watch is beyond a limit of the server (50310, 50311).
        case overLimit
        /// The server failed in another way. The message has its words.
        case failed
        /// The answer does not follow the protocol.
        case malformedReply
        /// The answer is longer than `replyLimit`.
        case replyTooLarge
        /// Too many requests of this client are outstanding.
        case tooManyRequests
        /// A setting can't be used.
        case configuration

        var explanation: String {
            switch self {
            case .disconnected: "there is no connection to a server"
            case .notRunning: "the client is not running: call run() in a task"
            case .closed: "the client was stopped; a client runs once, so make a new one"
            case .cancelled: "the task of the request was cancelled"
            case .timedOut: "the answer did not arrive in time"
            case .serverStarting: "the server is starting"
            case .unregistered: "the server does not know this connection any more"
            case .unsupported: "the server does not have this request: it is too old or too new for it"
            case .invalidRequest: "the server refuses a parameter of the request"
            case .forbidden:
                "the server refuses the credentials, or their user lacks a right: give it READ on the namespace"
            case .overloaded: "the server has too much to do"
            case .overLimit: "the server's limit of fuzzy watches is reached"
            case .failed: "the server failed"
            case .malformedReply: "the answer does not follow the protocol"
            case .replyTooLarge: "the answer is longer than the limit"
            case .tooManyRequests: "too many requests are outstanding"
            case .configuration: "a setting can't be used"
            }
        }
    }
}

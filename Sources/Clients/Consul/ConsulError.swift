internal import HTTP

/// A failure of a request. The message is for people, and no part of it contains a token.
package struct ConsulError: Error, Sendable, Hashable {
    package enum Code: Hashable, Sendable {
        /// There was no connection, or it ended before the answer arrived.
        case disconnected
        /// The answer did not arrive in time.
        case timedOut
        case cancelled
        /// The token is unknown or lacks a right.
        case forbidden
        /// Limits of the server were reached.
        case overloaded
        /// The server has no leader, or heard nothing of it for so long that its answer may be old.
        case leaderless
        /// The server refuses the request, and would do so again.
        case invalidRequest
        /// The server failed in another way.
        case failed
        case malformedReply
        case replyTooLarge
        /// A setting can't be used.
        case configuration
    }

    package var code: Code
    package var message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }
}

extension ConsulError: CustomStringConvertible {
    package var description: String { "Consul: \(message)" }
}

extension ConsulError {
    init(_ failure: HTTPFailure) {
        let code: Code =
            switch failure.code {
            case .disconnected: .disconnected
            case .timedOut: .timedOut
            case .cancelled: .cancelled
            case .replyTooLarge: .replyTooLarge
            case .malformedReply: .malformedReply
            case .configuration: .configuration
            }
        self.init(code, failure.message)
    }

    /// An answer with another status than 200. Its body is a text.
    init(refusal answer: HTTPAnswer) {
        let words = "'\(answer.text.shortened)'"
        switch answer.status {
        case 401, 403:
            self.init(
                .forbidden,
                "the server refuses the token (\(words)): it needs service_prefix \"\" and node_prefix \"\" with read")
        case 429, 503: self.init(.overloaded, "the server's limits are reached: \(words)")
        case 500 where answer.text.contains("leader") || answer.text.contains("No known Consul servers"):
            self.init(.leaderless, "the server has no leader: \(words)")
        case 400..<500: self.init(.invalidRequest, "the server refuses the request (\(answer.status)): \(words)")
        default: self.init(.failed, "the server failed (\(answer.status)): \(words)")
        }
    }
}

internal import HTTP

/// A failure of a request. The message is for people, and no part of it contains a password.
package struct EurekaError: Error, Sendable, Hashable {
    package enum Code: Hashable, Sendable {
        /// There was no connection, or it ended before the answer arrived.
        case disconnected
        case timedOut
        case cancelled
        /// The server refuses the user or the password.
        case forbidden
        /// The server does not have the request, or does not answer it yet (403, 404).
        case unsupported
        /// The server limits requests, or shuts down.
        case overloaded
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

extension EurekaError: CustomStringConvertible {
    package var description: String { "Eureka: \(message)" }
}

extension EurekaError {
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

    /// An answer with another status than 200.
    init(status: Int, path: String) {
        switch status {
        case 401: self.init(.forbidden, "the server refuses the user or the password (401)")
        case 403:
            self.init(
                .unsupported, "the server does not give '\(path)' (403): it is still starting, or it is not permitted")
        case 404: self.init(.unsupported, "the server has no '\(path)' (404): does the URL end in the right path?")
        case 429, 503: self.init(.overloaded, "the server limits requests or shuts down (\(status))")
        case 300..<400: self.init(.failed, "the server redirects (\(status)): give the URL to which it leads")
        default: self.init(.failed, "the server failed (\(status))")
        }
    }
}

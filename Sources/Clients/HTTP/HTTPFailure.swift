internal import AsyncHTTPClient
internal import NIOCore
internal import NIOHTTP1
internal import NIOHTTPCompression
internal import NIOPosix
internal import NIOSSL
internal import SystemPackage
internal import Text

/// Why an exchange gave no answer. An answer with any status is no failure.
package struct HTTPFailure: Error, Sendable {
    package enum Code: Hashable, Sendable {
        /// There was no connection, or it ended before the answer arrived.
        case disconnected
        /// The answer did not arrive in time.
        case timedOut
        /// The task was cancelled.
        case cancelled
        /// The answer is longer than the limit.
        case replyTooLarge
        /// The answer is not what the protocol says.
        case malformedReply
        /// A file of TLS can't be used.
        case configuration
    }

    package var code: Code
    /// For people. It contains no credential.
    package var message: String
    /// The error of a lower layer.
    package var cause: (any Error)?

    package init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }
}

extension HTTPFailure: CustomStringConvertible {
    package var description: String { message }
}

extension HTTPFailure {
    /// An error of the layers below.
    init(_ error: any Error) {
        switch error {
        case let failure as HTTPFailure: self = failure
        case is CancellationError: self.init(.cancelled, "the request was cancelled")
        case let error as HTTPClientError where error == .cancelled:
            self.init(.cancelled, "the request was cancelled")
        case is NIOHTTPDecompression.DecompressionError:
            self.init(.replyTooLarge, "the answer is too long, or is not compressed as it says", cause: error)
        default: self.init(.disconnected, explain(error), cause: error)
        }
    }
}

/// An error of the network, of TLS or of HTTP, in words that name the cause.
package func explain(_ error: any Error) -> String {
    switch error {
    case let error as NIOConnectionError:
        if let dns = error.dnsAError ?? error.dnsAAAAError { return "the host name can't be resolved: \(dns)" }
        return error.connectionErrors.map { explain($0.error) }.joined(separator: "; ")
    case let error as IOError:
        // The description of `IOError` says "connection reset" for a refused connection too.
        return "\(Errno(rawValue: error.errnoCode))"
    case is SocketAddressError.UnknownHost: return "the host name can't be resolved"
    case ChannelError.connectTimeout: return "no connection in time"
    case NIOSSLError.uncleanShutdown: return "the server closed the connection"
    case let error as HTTPClientError where error == .connectTimeout: return "no connection in time"
    case let error as HTTPClientError where error == .remoteConnectionClosed: return "the server closed the connection"
    case let error as HTTPClientError: return "the exchange failed: \(error.shortDescription)"
    case let error as NIOSSLExtraError where error == .failedToValidateHostname:
        return "the server's certificate names another host; connect by a name in it, or set serverName"
    case NIOSSLError.handshakeFailed(let cause):
        return TLSReason.words(for: TLSReason.name(in: "\(cause)"))
    case is NIOSSLError, is NIOSSLExtraError, is BoringSSLError:
        return "TLS failed; does the port expect TLS, and does the server trust the client's certificate? (\(error))"
    case is HTTPParserError: return "the server's answer is not HTTP"
    default: return "\(error)"
    }
}

extension String {
    /// The text for a log or an error: without control characters, and not longer than 300 characters.
    package var shortened: String {
        var text = String(String.UnicodeScalarView(unicodeScalars.prefix(300).filter { $0.value >= 0x20 }))
        if unicodeScalars.count > 300 { text += "…" }
        return text
    }
}

internal import AsyncHTTPClient
internal import NIOCore
internal import NIOPosix
internal import NIOSSL

#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

extension KubernetesError {
    /// Explains a failure of the connection, the TLS handshake or the HTTP client.
    ///
    /// - Parameter server: host and port, for failures to reach it.
    init(transport error: any Error, request: APIRequest, server: String) {
        if let error = error as? KubernetesError {
            self = error
            return
        }
        let failure = Failure(error)
        self.init(
            code: failure.code,
            message: [.unreachable, .tlsFailed].contains(failure.code)
                ? "\(server): \(failure.message)" : failure.message,
            path: request.label, isOutcomeUnknown: request.isWrite && failure.mayHaveSent)
    }

    static func cancelled(_ request: APIRequest) -> Self {
        KubernetesError(transport: CancellationError(), request: request, server: "")
    }
}

/// What an error of the layers below means.
private struct Failure {
    var code: KubernetesError.Code
    var message: String
    /// Whether the request may have left before the failure.
    var mayHaveSent = true

    private static let closedEarly = "the server closed the connection before its reply ended"

    private init(_ code: KubernetesError.Code, _ message: String, mayHaveSent: Bool = true) {
        self.code = code
        self.message = message
        self.mayHaveSent = mayHaveSent
    }

    private static func unreachable(_ message: String) -> Self {
        Self(.unreachable, message, mayHaveSent: false)
    }

    init(_ error: any Error) {
        switch error {
        case let error as HTTPClientError: self.init(http: error)
        case let error as NIOConnectionError: self.init(connecting: error)
        case let error as IOError: self.init(io: error)
        case is BoringSSLError, is NIOSSLExtraError, is NIOSSLError: self.init(tls: error)
        case is CancellationError: self.init(.cancelled, "cancelled before the reply was complete")
        case ChannelError.connectTimeout: self.init(http: .connectTimeout)
        default: self.init(.connectionLost, "the exchange failed: \(error)")
        }
    }

    private init(http error: HTTPClientError) {
        switch error {
        case .connectTimeout, .getConnectionFromPoolTimeout: self = .unreachable("no connection within the time for it")
        case .tlsHandshakeTimeout: self = .unreachable("the TLS handshake took longer than the time for it")
        case .readTimeout, .deadlineExceeded: self.init(.timedOut, "no reply in time")
        case .remoteConnectionClosed: self.init(.connectionLost, Self.closedEarly)
        // The client cancels what is under way when it is shut down; tasks that are cancelled say so themselves.
        case .cancelled: self.init(.shutDown, "the client was shut down before the reply was complete")
        case .alreadyShutdown: self.init(.shutDown, "the client was shut down", mayHaveSent: false)
        default: self.init(.connectionLost, "the exchange failed: \(error.shortDescription)")
        }
    }

    private init(connecting error: NIOConnectionError) {
        guard let cause = error.connectionErrors.first?.error else {
            self = .unreachable("the host name cannot be resolved")
            return
        }
        let failure = Failure(cause)
        self = failure.code == .tlsFailed ? failure : .unreachable(failure.message)
    }

    private static func tlsFailed(_ message: String) -> Self {
        Self(.tlsFailed, "TLS: \(message)", mayHaveSent: false)
    }

    /// A host given by its address, unlike one given by name, fails with the bare error of `connect`.
    private init(io error: IOError) {
        switch error.errnoCode {
        case ECONNREFUSED: self = .unreachable("the connection was refused")
        // These two can also befall a connection that was open.
        case EHOSTUNREACH: self.init(.unreachable, "there is no route to the host")
        case ENETUNREACH: self.init(.unreachable, "the network is unreachable")
        case ECONNRESET: self.init(.connectionLost, "the connection was reset")
        case EPIPE: self.init(.connectionLost, Self.closedEarly)
        case ETIMEDOUT: self.init(.connectionLost, "the network timed out")
        default: self.init(.connectionLost, "the connection broke: \(error.description)")
        }
    }

    /// Failures of the handshake come before the request; others, such as a late alert or a damaged record, may not.
    private init(tls error: any Error) {
        let text = "\(error)"
        if case NIOSSLError.uncleanShutdown = error {
            self.init(.connectionLost, Self.closedEarly)
        } else if text.contains("CERTIFICATE_VERIFY_FAILED") {
            self = .tlsFailed("the server's certificate is not one that the certificate authority vouches for")
        } else if error as? NIOSSLExtraError == .failedToValidateHostname {
            self = .tlsFailed("the server's certificate is for another name; tls-server-name can say which")
        } else {
            // What follows the name of BoringSSL's error are places in its source.
            let start = text.firstRange(of: "OPENSSL_internal:")?.upperBound ?? text.startIndex
            let name = text[start...].prefix { $0 != " " && $0 != "]" }.prefix(KubernetesError.excerptLength)
            let isHandshake = if case NIOSSLError.handshakeFailed = error { true } else { false }
            self.init(.tlsFailed, "TLS: \(name)", mayHaveSent: !isHandshake)
        }
    }
}

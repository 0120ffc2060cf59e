internal import AsyncHTTPClient
internal import NIOCore
internal import NIOPosix
internal import NIOSSL
internal import SystemPackage
internal import Text

extension KubernetesError {
    /// Translates a failure of the connection, the TLS handshake or the HTTP client.
    ///
    /// - Parameter server: host and port, for the message of a failure to reach the server.
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
            path: request.label, isOutcomeUnknown: request.isWrite && failure.mayHaveSent, cause: error)
    }

    static func cancelled(_ request: APIRequest) -> Self {
        KubernetesError(transport: CancellationError(), request: request, server: "")
    }
}

/// The meaning of an error of the layers below.
private struct Failure {
    var code: KubernetesError.Code
    var message: String
    /// Whether the request may have been sent before the failure.
    var mayHaveSent = true

    private static let closedEarly = "the server closed the connection before its reply ended"
    private static let unknownHost = "the host name is unknown, or cannot be resolved"

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
        case is SocketAddressError.UnknownHost: self = .unreachable(Self.unknownHost)
        default: self.init(unknown: error)
        }
    }

    /// The error of a library below the HTTP client. Its own text helps nobody, and may name files of a build machine.
    private init(unknown error: any Error) {
        let type = String(reflecting: Swift.type(of: error))
        if type.hasPrefix("NIOSOCKS.") {
            self = .unreachable("the SOCKS proxy refuses the connection")
        } else {
            self.init(.connectionLost, "the exchange failed (\(type))")
        }
    }

    private init(http error: HTTPClientError) {
        switch error {
        case .connectTimeout, .getConnectionFromPoolTimeout:
            self = .unreachable("no connection within the connect timeout")
        case .tlsHandshakeTimeout: self = .unreachable("the TLS handshake took longer than the connect timeout")
        case .httpProxyHandshakeTimeout, .socksHandshakeTimeout:
            self = .unreachable("the proxy did not answer within the connect timeout")
        case .proxyAuthenticationRequired: self = .unreachable("the proxy does not accept the user and the password")
        case .invalidProxyResponse: self = .unreachable("the proxy refuses to connect to the server")
        case .readTimeout, .deadlineExceeded: self.init(.timedOut, "no reply in time")
        case .remoteConnectionClosed: self.init(.connectionLost, Self.closedEarly)
        // The HTTP client cancels the requests under way when it is shut down. A cancelled task fails with
        // `CancellationError` instead.
        case .cancelled: self.init(.shutDown, "the client was shut down before the reply was complete")
        case .alreadyShutdown: self.init(.shutDown, "the client was shut down", mayHaveSent: false)
        default: self.init(.connectionLost, "the exchange failed: \(error.shortDescription)")
        }
    }

    private init(connecting error: NIOConnectionError) {
        guard let cause = error.connectionErrors.first?.error else {
            self = .unreachable(Self.unknownHost)
            return
        }
        let failure = Failure(cause)
        self = failure.code == .tlsFailed ? failure : .unreachable(failure.message)
    }

    private static func tlsFailed(_ message: String) -> Self {
        Self(.tlsFailed, "TLS: \(message)", mayHaveSent: false)
    }

    /// A connection to a host that is given by its address fails with the bare error of `connect`. A host that is given
    /// by its name fails with a `NIOConnectionError`.
    private init(io error: IOError) {
        switch Errno(rawValue: error.errnoCode) {
        case .connectionRefused: self = .unreachable("the connection was refused")
        // These two can also end a connection that was open, so the request may have been sent.
        case .noRouteToHost: self.init(.unreachable, "there is no route to the host")
        case .networkUnreachable: self.init(.unreachable, "the network is unreachable")
        case .connectionReset: self.init(.connectionLost, "the connection was reset")
        case .brokenPipe: self.init(.connectionLost, Self.closedEarly)
        case .timedOut: self.init(.connectionLost, "the network timed out")
        default: self.init(.connectionLost, "the connection broke: \(error.description)")
        }
    }

    /// A failure of the handshake comes before the request. Other TLS failures, such as a late alert or a damaged
    /// record, may come after it.
    private init(tls error: any Error) {
        let text = "\(error)"
        if case NIOSSLError.uncleanShutdown = error {
            self.init(.connectionLost, Self.closedEarly)
        } else if error as? NIOSSLExtraError == .failedToValidateHostname {
            self = .tlsFailed("the server's certificate is for another name; set tls-server-name to that name")
        } else {
            let isHandshake = if case NIOSSLError.handshakeFailed = error { true } else { false }
            let name = TLSReason.name(in: text)
            // The client itself refuses a certificate, before it sends anything.
            let isOurs = name == "CERTIFICATE_VERIFY_FAILED"
            self.init(
                .tlsFailed, "TLS: \(TLSReason.words(for: name))", mayHaveSent: !isHandshake && !isOurs)
        }
    }
}

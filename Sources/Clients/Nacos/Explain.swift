internal import AsyncHTTPClient
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import NIOSSL
internal import SystemPackage

/// An error of the layers below, in words that name the cause and the remedy.
func explain(_ error: any Error) -> String {
    switch error {
    case let error as NacosError:
        return error.message
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
    case NIOSSLError.handshakeFailed(let cause) where "\(cause)".contains("CERTIFICATE_VERIFY_FAILED"):
        return "the server's certificate is not from an authority that is trusted, or has expired"
    case is NIOSSLError, is NIOSSLExtraError, is BoringSSLError:
        return "TLS failed; does the port expect TLS, and does the server trust the client's certificate? (\(error))"
    case is HTTPParserError: return "the server's answer is not HTTP"
    default: return "\(error)"
    }
}

/// Whether client and server could not agree on TLS. The end of a connection without TLS's own farewell is no such failure.
func isFailureOfTLS(_ error: any Error) -> Bool {
    if case NIOSSLError.uncleanShutdown = error { return false }
    return error is NIOSSLError || error is NIOSSLExtraError || error is BoringSSLError
}

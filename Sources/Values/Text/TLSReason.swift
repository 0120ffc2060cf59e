/// The reasons of BoringSSL's errors, in words. Their own text ends in positions in BoringSSL's source.
package enum TLSReason {
    /// The reason's name, such as `CERTIFICATE_VERIFY_FAILED`; empty for an error without one.
    package static func name(in text: String) -> Substring {
        guard let start = text.firstRange(of: "OPENSSL_internal:")?.upperBound else { return "" }
        return text[start...].prefix { $0 == "_" || $0.isUppercase || $0.isNumber }
    }

    package static func words(for name: Substring) -> String {
        switch name {
        case "CERTIFICATE_VERIFY_FAILED":
            "the server's certificate is not signed by the certificate authority, or it is not valid now"
        case "WRONG_VERSION_NUMBER", "HTTP_REQUEST", "HTTPS_PROXY_REQUEST", "UNEXPECTED_MESSAGE", "UNEXPECTED_RECORD":
            "the server does not speak TLS at this port"
        case "UNSUPPORTED_PROTOCOL", "TLSV1_ALERT_PROTOCOL_VERSION", "SSLV3_ALERT_HANDSHAKE_FAILURE",
            "TLSV1_ALERT_INSUFFICIENT_SECURITY":
            "client and server have no version or cipher in common; this client needs TLS 1.2 or later"
        case "TLSV1_ALERT_CERTIFICATE_REQUIRED": "the server asks for a client certificate"
        case "SSLV3_ALERT_CERTIFICATE_EXPIRED": "the server refuses the client's certificate: it has expired"
        case "TLSV1_ALERT_UNKNOWN_CA", "SSLV3_ALERT_BAD_CERTIFICATE", "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE",
            "SSLV3_ALERT_CERTIFICATE_UNKNOWN", "SSLV3_ALERT_CERTIFICATE_REVOKED", "TLSV1_ALERT_ACCESS_DENIED",
            "TLSV1_ALERT_DECRYPT_ERROR":
            "the server refuses the client's certificate"
        case "TLSV1_UNRECOGNIZED_NAME", "TLSV1_ALERT_UNRECOGNIZED_NAME": "the server does not serve this host name"
        case "": "the handshake failed"
        default: "the handshake failed (\(name))"
        }
    }
}

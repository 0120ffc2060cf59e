internal import NIOHTTP1
internal import NIOHTTP2

/// How a call ended: a code and a message of gRPC (`grpc-status`, `grpc-message`).
package struct GRPCStatus: Error, Hashable, Sendable {
    package enum Code: Int, Sendable {
        case ok = 0
        case cancelled, unknown, invalidArgument, deadlineExceeded, notFound, alreadyExists, permissionDenied
        case resourceExhausted, failedPrecondition, aborted, outOfRange, unimplemented, `internal`, unavailable
        case dataLoss, unauthenticated
    }

    package var code: Code
    package var message: String

    package init(_ code: Code, _ message: String = "") {
        self.code = code
        self.message = message
    }
}

extension GRPCStatus: CustomStringConvertible {
    package var description: String { message.isEmpty ? "\(code)" : "\(code): \(message)" }
}

extension GRPCStatus {
    /// The status of an answer that has none of gRPC, such as that of a proxy.
    init(httpStatus: Int) {
        let code: Code =
            switch httpStatus {
            case 400: .internal
            case 401: .unauthenticated
            case 403: .permissionDenied
            case 404: .unimplemented
            case 429, 502, 503, 504: .unavailable
            default: .unknown
            }
        self.init(code, "the server answered with HTTP status \(httpStatus); is this its gRPC port?")
    }

    /// The status of a stream that the server reset.
    init(reset code: HTTP2ErrorCode) {
        switch code {
        case .refusedStream: self.init(.unavailable, "the server refused the stream")
        case .cancel: self.init(.cancelled, "the server cancelled the stream")
        case .enhanceYourCalm: self.init(.resourceExhausted, "the server asked the client to slow down")
        default: self.init(.internal, "the server reset the stream: \(code)")
        }
    }
}

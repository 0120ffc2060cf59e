internal import AsyncHTTPClient
internal import NIOCore
internal import NIOHTTP1

/// A reply with its whole body.
struct HTTPReply: Sendable {
    var status: HTTPResponseStatus
    var headers: HTTPHeaders
    var body: ByteBuffer

    var isSuccess: Bool { (200..<300).contains(status.code) }
}

extension HTTPReply {
    /// The largest body that is read of a refusal, in bytes. It holds any `Status`.
    static let maximumRefusalBytes = 1 << 20

    /// Reads the body. Of a refusal it reads at most the first MiB.
    ///
    /// - Throws: `KubernetesError` with `replyTooLarge` when a success is larger than `limit` bytes.
    init(collecting response: HTTPClientResponse, upTo limit: Int, for request: APIRequest) async throws {
        self.init(status: response.status, headers: response.headers, body: ByteBuffer())
        if let length = headers.first(name: "Content-Length").flatMap({ Int($0) }) {
            body.reserveCapacity(min(length, isSuccess ? limit : Self.maximumRefusalBytes))
        }
        for try await var chunk in response.body {
            guard isSuccess else {
                if body.readableBytes + chunk.readableBytes > Self.maximumRefusalBytes { return }
                body.writeBuffer(&chunk)
                continue
            }
            guard body.readableBytes + chunk.readableBytes <= limit else {
                throw KubernetesError(
                    code: .replyTooLarge, message: "the reply is larger than \(limit) bytes", path: request.label,
                    httpStatus: Int(status.code), isOutcomeUnknown: request.isWrite)
            }
            body.writeBuffer(&chunk)
        }
    }
}

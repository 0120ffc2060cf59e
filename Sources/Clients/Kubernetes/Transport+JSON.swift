internal import JSON
internal import NIOCore

extension Transport {
    /// Sends the request and parses the reply as JSON.
    func document(for request: APIRequest) async throws(KubernetesError) -> JSONValue {
        let body = try await reply(to: request)
        do throws(JSONError) {
            return try JSONValue(parsing: body.readableBytesView)
        } catch {
            let isPage = body.readableBytesView.first { $0 > 0x20 } == UInt8(ascii: "<")
            throw malformed(
                request, isPage ? "the reply is a web page; check the server's URL" : "the reply is \(error)")
        }
    }

    /// Sends the request and parses the reply as one object.
    func object(for request: APIRequest) async throws(KubernetesError) -> APIObject {
        guard let object = APIObject(try await document(for: request)) else {
            throw malformed(request, "the reply is not an object with a name")
        }
        return object
    }

    func malformed(_ request: APIRequest, _ why: String) -> KubernetesError {
        KubernetesError(
            code: .malformedReply, message: why, path: request.label, isOutcomeUnknown: request.isWrite)
    }
}

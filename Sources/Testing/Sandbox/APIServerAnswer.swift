internal import JSON
internal import NIOHTTP1

/// A whole answer, ready for the wire.
struct APIServerAnswer: Sendable {
    var status: Int
    var contentType: String
    /// Beside the content's type and length.
    var headers: [(String, String)] = []
    var body: [UInt8]

    init(status: Int, contentType: String, body: [UInt8]) {
        self.status = status
        self.contentType = contentType
        self.body = body
    }

    init(_ document: JSONValue, status: Int = 200) {
        self.init(status: status, contentType: "application/json", body: document.bytes)
    }

    /// The answer to what is not about objects.
    ///
    /// - Throws: 404 for an unknown path, 405 for anything but reading.
    init(
        to route: APIServerRoute, accepted: [APIServerMediaType], kinds: [ResourceStore.Kind]
    ) throws(APIServerStatus) {
        let segments = route.target.segments
        switch segments.first {
        case "healthz", "livez", "readyz":
            self.init(status: 200, contentType: "text/plain; charset=utf-8", body: Array("ok".utf8))
        case "version" where segments.count == 1:
            self.init(APIServerDiscovery.version)
        default:
            if let document = APIServerOpenAPI(kinds: kinds).document(at: segments) {
                self.init(document)
            } else if let (document, mediaType) = APIServerDiscovery(kinds: kinds)
                .document(at: segments, accepted: accepted)
            {
                self.init(status: 200, contentType: mediaType.contentType, body: document.bytes)
            } else {
                throw .unknownPath
            }
        }
        guard route.method == .GET || route.method == .HEAD else {
            throw APIServerStatus(
                code: 405, reason: "MethodNotAllowed", message: "the server does not allow this method on this path")
        }
    }
}

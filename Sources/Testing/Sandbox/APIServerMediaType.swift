/// The forms in which the API server shows an object, by the `Accept` header.
enum APIServerMediaType: Sendable, Hashable {
    case object
    /// The form that kubectl prints: rows with the cells of the kind's columns.
    case table(version: String)
    /// Only the metadata; `PartialObjectMetadataList` for a list.
    case metadata(version: String)
    /// All groups and resources in one answer, for clients from 1.26 on.
    case discovery(version: String)

    /// The media ranges of the header that this server can serve, in the client's order of preference; none for a
    /// client that takes protobuf only.
    static func accepted(_ header: String?) -> [APIServerMediaType] {
        guard let header, !header.isEmpty else { return [.object] }
        return header.split(separator: ",").compactMap(Self.init(range:))
    }

    private init?(range: Substring) {
        let parts = range.split(separator: ";").map { $0.filter { $0 != " " } }
        guard let type = parts.first, ["application/json", "application/*", "*/*"].contains(type) else { return nil }
        var parameters: [Substring: String] = [:]
        for part in parts.dropFirst() {
            let pair = part.split(separator: "=", maxSplits: 1)
            if pair.count == 2 { parameters[pair[0]] = String(pair[1]) }
        }
        let version = parameters["v"] ?? "v1"
        switch (parameters["as"], parameters["g"]) {
        case (nil, _): self = .object
        case ("Table", "meta.k8s.io") where Self.metaVersions.contains(version): self = .table(version: version)
        case ("PartialObjectMetadata", "meta.k8s.io") where Self.metaVersions.contains(version),
            ("PartialObjectMetadataList", "meta.k8s.io") where Self.metaVersions.contains(version):
            self = .metadata(version: version)
        case ("APIGroupDiscoveryList", "apidiscovery.k8s.io") where ["v2", "v2beta1"].contains(version):
            self = .discovery(version: version)
        default: return nil
        }
    }

    private static let metaVersions = ["v1", "v1beta1"]

    /// For the `Content-Type` header.
    var contentType: String {
        switch self {
        case .discovery(let version): "application/json;g=apidiscovery.k8s.io;v=\(version);as=APIGroupDiscoveryList"
        default: "application/json"
        }
    }
}

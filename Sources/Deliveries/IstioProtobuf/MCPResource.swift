package import IstioAPI
package import Protobuf

/// One object as istiod takes it from a config source: `istio.mcp.v1alpha1.Resource` in a `google.protobuf.Any`.
package struct MCPResource: Hashable, Sendable {
    package static let typeURL = "type.googleapis.com/istio.mcp.v1alpha1.Resource"

    package let resource: Resource
    /// When the object was first made, in seconds since 1970. istiod takes an object without it for the oldest of all,
    /// which wins over everybody's objects of the same host.
    package var created: Int64
    /// istiod ignores changed content under the version that it has.
    package var version: String
    /// The message of its kind.
    private let body: [UInt8]

    /// An object whose version is a hash of its content. The time of its making is no part of that.
    package init(_ resource: Resource, created: Int64) {
        self.resource = resource
        self.created = created
        body = resource.protobuf
        version = ContentHash.text(of: Self.bytes(resource, created: 0, version: "", body: body))
    }

    package var key: ResourceKey { resource.key }

    /// The `Any`, as it stands in a response.
    package var any: [UInt8] {
        var any = ProtobufWriter()
        any.string(1, Self.typeURL)
        any.data(2, Self.bytes(resource, created: created, version: version, body: body))
        return any.bytes
    }

    private static func bytes(_ resource: Resource, created: Int64, version: String, body: [UInt8]) -> [UInt8] {
        var writer = ProtobufWriter()
        writer.message(1) { metadata in
            metadata.string(1, "\(resource.key.namespace)/\(resource.key.name)")
            if created != 0 { metadata.message(2) { $0.signed(1, created) } }
            metadata.string(3, version)
            metadata.map(4, resource.labels)
            metadata.map(5, resource.annotations)
        }
        writer.message(2) { any in
            any.string(1, resource.key.kind.messageURL)
            any.data(2, body)
        }
        return writer.bytes
    }
}

extension MCPResource {
    /// Reads an `Any`.
    /// - Throws: `MalformedProtobuf` for anything else than one of our kinds in such a wrapper.
    package init(any bytes: ArraySlice<UInt8>) throws(MalformedProtobuf) {
        let (type, value) = try Self.any(bytes)
        guard type == Self.typeURL else { throw MalformedProtobuf("'\(type)' is not \(Self.typeURL)") }
        var metadata = Metadata()
        var body: (type: String, value: ArraySlice<UInt8>) = ("", [])
        try ProtobufReader.read(value) { field throws(MalformedProtobuf) in
            switch field.number {
            case 1: try metadata.read(try field.content())
            case 2: body = try Self.any(try field.content())
            default: break
            }
        }
        let parts = metadata.name.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
            throw MalformedProtobuf("'\(metadata.name)' is not of the form NAMESPACE/NAME")
        }
        guard let kind = ResourceKind.served.first(where: { $0.messageURL == body.type }) else {
            throw MalformedProtobuf("\(metadata.name) has a body of the unknown type '\(body.type)'")
        }
        resource = try Resource(
            protobuf: body.value, key: ResourceKey(kind, namespace: String(parts[0]), name: String(parts[1])),
            labels: metadata.labels, annotations: metadata.annotations)
        created = metadata.created
        version = metadata.version
        self.body = Array(body.value)
    }

    private struct Metadata {
        var name = ""
        var created: Int64 = 0
        var version = ""
        var labels: [String: String] = [:]
        var annotations: [String: String] = [:]

        mutating func read(_ bytes: ArraySlice<UInt8>) throws(MalformedProtobuf) {
            var reader = ProtobufReader(bytes)
            while let field = try reader.next() {
                switch field.number {
                case 1: name = try field.string()
                case 2: created = try field.wrapped()
                case 3: version = try field.string()
                case 4: try field.entry(into: &labels)
                case 5: try field.entry(into: &annotations)
                default: break
                }
            }
        }
    }

    private static func any(
        _ bytes: ArraySlice<UInt8>
    ) throws(MalformedProtobuf) -> (type: String, value: ArraySlice<UInt8>) {
        var (type, value): (String, ArraySlice<UInt8>) = ("", [])
        try ProtobufReader.read(bytes) { field throws(MalformedProtobuf) in
            if field.number == 1 { type = try field.string() }
            if field.number == 2 { value = try field.content() }
        }
        return (type, value)
    }
}

extension Resource {
    /// The message of its kind.
    package var protobuf: [UInt8] {
        switch self {
        case .serviceEntry(let entry): entry.protobuf
        case .workloadEntry(let entry): entry.endpoint.protobuf
        case .destinationRule(let rule): rule.protobuf
        // Nobody serves it: its fields are not all known here.
        case .manifest: []
        }
    }

    /// - Throws: `MalformedProtobuf`.
    fileprivate init(
        protobuf bytes: ArraySlice<UInt8>, key: ResourceKey, labels: [String: String], annotations: [String: String]
    ) throws(MalformedProtobuf) {
        switch key.kind {
        case .serviceEntry:
            self = .serviceEntry(
                try ServiceEntry(protobuf: bytes, key: key, labels: labels, annotations: annotations))
        case .workloadEntry:
            let endpoint = try ServiceEntry.Endpoint(protobuf: bytes)
            self = .workloadEntry(
                WorkloadEntry(key: key, labels: labels, annotations: annotations, endpoint: endpoint))
        case .destinationRule:
            self = .destinationRule(
                try DestinationRule(protobuf: bytes, key: key, labels: labels, annotations: annotations))
        case .virtualService, .sidecar, .envoyFilter:
            throw MalformedProtobuf("\(key) is of a kind that is not served")
        }
    }
}

extension ResourceKind {
    /// The kinds of which the messages have all fields that the bridge writes.
    package static let served: [ResourceKind] = [.serviceEntry, .workloadEntry, .destinationRule]

    /// The type of its message. The package stays `v1alpha3` whatever version istiod asks for.
    package var messageURL: String { "type.googleapis.com/istio.networking.v1alpha3.\(rawValue)" }

    /// The type URL by which istiod 1.24 and later ask for it.
    package var configType: String { "\(Self.group)/v1/\(rawValue)" }

    /// The kind that istiod asks for, in whatever API version; `nil` for one that Isthmus doesn't have.
    package init?(configType: String) {
        let parts = configType.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == Self.group else { return nil }
        guard let kind = Self.served.first(where: { $0.rawValue == parts[2] }) else { return nil }
        self = kind
    }
}

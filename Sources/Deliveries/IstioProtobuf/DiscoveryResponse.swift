package import Protobuf

/// `envoy.service.discovery.v3.DiscoveryResponse`: the complete set of one type.
package struct DiscoveryResponse: Hashable, Sendable {
    package var version: String
    /// Each a `google.protobuf.Any`.
    package var resources: [[UInt8]]
    package var typeURL: String
    package var nonce: String

    package init(version: String, resources: [[UInt8]] = [], typeURL: String, nonce: String) {
        self.version = version
        self.resources = resources
        self.typeURL = typeURL
        self.nonce = nonce
    }

    package var bytes: [UInt8] {
        var writer = ProtobufWriter()
        for resource in resources { writer.content(2, resource) }
        return Self.head(version: version) + writer.bytes + Self.tail(typeURL: typeURL, nonce: nonce)
    }

    /// What stands before the resources, which are the same for all clients.
    package static func head(version: String) -> [UInt8] {
        var writer = ProtobufWriter()
        writer.string(1, version)
        return writer.bytes
    }

    /// One resource, as it stands between head and tail.
    package static func entry(_ any: [UInt8]) -> [UInt8] {
        var writer = ProtobufWriter()
        writer.content(2, any)
        return writer.bytes
    }

    /// What stands behind the resources.
    package static func tail(typeURL: String, nonce: String) -> [UInt8] {
        var writer = ProtobufWriter()
        writer.string(4, typeURL)
        writer.string(5, nonce)
        return writer.bytes
    }

    /// - Throws: `MalformedProtobuf`. The resources are not looked into.
    package init(bytes: ArraySlice<UInt8>) throws(MalformedProtobuf) {
        self.init(version: "", typeURL: "", nonce: "")
        try ProtobufReader.read(bytes) { field throws(MalformedProtobuf) in
            switch field.number {
            case 1: version = try field.string()
            case 2: resources.append(Array(try field.content()))
            case 4: typeURL = try field.string()
            case 5: nonce = try field.string()
            default: break
            }
        }
    }
}

package import JSON
package import Protobuf

/// `envoy.service.discovery.v3.DiscoveryRequest`: a subscription, or the answer to a response.
package struct DiscoveryRequest: Hashable, Sendable {
    /// Who asks (`envoy.config.core.v3.Node`).
    package struct Node: Hashable, Sendable {
        package var id: String
        package var cluster: String
        package var metadata: JSONObject

        package init(id: String, cluster: String = "", metadata: JSONObject = JSONObject()) {
            self.id = id
            self.cluster = cluster
            self.metadata = metadata
        }
    }

    /// Why a response was refused (`google.rpc.Status`).
    package struct Refusal: Hashable, Sendable {
        package var code: Int32
        package var message: String

        package init(code: Int32, message: String) {
            self.code = code
            self.message = message
        }
    }

    package var version: String
    /// Only the first request of a stream needs it.
    package var node: Node?
    /// Empty for everything of the type.
    package var resourceNames: [String]
    package var typeURL: String
    package var nonce: String
    package var refusal: Refusal?

    package init(
        version: String = "", node: Node? = nil, resourceNames: [String] = [], typeURL: String, nonce: String = "",
        refusal: Refusal? = nil
    ) {
        self.version = version
        self.node = node
        self.resourceNames = resourceNames
        self.typeURL = typeURL
        self.nonce = nonce
        self.refusal = refusal
    }
}

extension DiscoveryRequest {
    package var bytes: [UInt8] {
        var writer = ProtobufWriter()
        writer.string(1, version)
        if let node {
            writer.message(2) { message in
                message.string(1, node.id)
                message.string(2, node.cluster)
                if !node.metadata.isEmpty { message.message(3) { ProtobufStruct.write(node.metadata, &$0) } }
            }
        }
        writer.strings(3, resourceNames)
        writer.string(4, typeURL)
        writer.string(5, nonce)
        if let refusal {
            writer.message(6) { message in
                message.signed(1, Int64(refusal.code))
                message.string(2, refusal.message)
            }
        }
        return writer.bytes
    }

    /// - Throws: `MalformedProtobuf`.
    package init(bytes: ArraySlice<UInt8>) throws(MalformedProtobuf) {
        self.init(typeURL: "")
        try ProtobufReader.read(bytes) { field throws(MalformedProtobuf) in
            switch field.number {
            case 1: version = try field.string()
            case 2: node = try Node(bytes: try field.content())
            case 3: resourceNames.append(try field.string())
            case 4: typeURL = try field.string()
            case 5: nonce = try field.string()
            case 6: refusal = try Refusal(bytes: try field.content())
            default: break
            }
        }
    }
}

extension DiscoveryRequest.Node {
    fileprivate init(bytes: ArraySlice<UInt8>) throws(MalformedProtobuf) {
        self.init(id: "")
        try ProtobufReader.read(bytes) { field throws(MalformedProtobuf) in
            switch field.number {
            case 1: id = try field.string()
            case 2: cluster = try field.string()
            case 3: metadata = try ProtobufStruct.read(try field.content())
            default: break
            }
        }
    }
}

extension DiscoveryRequest.Refusal {
    fileprivate init(bytes: ArraySlice<UInt8>) throws(MalformedProtobuf) {
        self.init(code: 0, message: "")
        try ProtobufReader.read(bytes) { field throws(MalformedProtobuf) in
            if field.number == 1 { code = try field.integer() }
            if field.number == 2 { message = try field.string() }
        }
    }
}

import IstioAPI
import IstioProtobuf
import JSON
import Protobuf
import Testing

@Suite("A real istiod's conversation as Protocol Buffers")
struct ConversationTests {
    @Test("every recorded response is read, and written to the same bytes")
    func responses() throws {
        var (count, refused) = (0, [String]())
        for message in try RecordedMessages.read().recorded {
            guard let bytes = message["response"]?.octets else { continue }
            count += 1
            let response = try DiscoveryResponse(bytes: bytes[...])
            #expect(response.bytes == bytes)
            #expect(response.typeURL == message["type"]?.string)
            #expect(response.resources.count == message["resources"]?.integer.map { Int($0) })
            for any in response.resources {
                do {
                    #expect(try MCPResource(any: any[...]).any == any)
                } catch {
                    refused.append("\(error)")
                }
            }
        }
        #expect(count == 10)
        // The recording has an entry of this name on purpose.
        #expect(refused == ["'nonamespace' is not of the form NAMESPACE/NAME"])
    }

    @Test("every recorded request is read, with its node, and written to the same bytes")
    func requests() throws {
        var count = 0
        for message in try RecordedMessages.read().recorded {
            guard let bytes = message["request"]?.octets else { continue }
            count += 1
            let request = try DiscoveryRequest(bytes: bytes[...])
            #expect(request.bytes == bytes)
            #expect(request.typeURL == "core/v1alpha1/MeshConfig")
            #expect(request.nonce == message["nonce"]?.string)
            #expect(request.node?.id == "sidecar~IP~POD.istio-system~istio-system.svc.cluster.local")
            #expect(request.node?.metadata["ISTIO_REVISION"] == "default")
            #expect(request.node?.metadata["GENERATOR"] == "api")
        }
        #expect(count == 2)
    }

    @Test("a refusal is read with its reason")
    func refusal() throws {
        let request = DiscoveryRequest(
            version: "1", typeURL: "networking.istio.io/v1/ServiceEntry", nonce: "2",
            refusal: .init(code: 3, message: "no"))
        #expect(try DiscoveryRequest(bytes: request.bytes[...]) == request)
    }

    @Test("metadata of every JSON type is read back, and a Struct without end is refused")
    func structs() throws {
        let metadata = JSONObject([
            (key: "list", value: [1, .double(2.5), .null, true]), (key: "object", value: ["a": ["b": "c"]]),
            (key: "text", value: ""),
        ])
        let request = DiscoveryRequest(node: .init(id: "x", metadata: metadata), typeURL: "t")
        #expect(try DiscoveryRequest(bytes: request.bytes[...]) == request)

        let deep = (0..<100).reduce(JSONValue.null) { value, _ in ["a": value] }
        let endless = DiscoveryRequest(
            node: .init(id: "x", metadata: JSONObject([(key: "deep", value: deep)])), typeURL: "t")
        #expect(throws: MalformedProtobuf.self) { try DiscoveryRequest(bytes: endless.bytes[...]) }
    }

    @Test("a response in parts is the same message")
    func parts() {
        let any = MCPResource(ResourceTests.resources[0], created: 0).any
        let whole = DiscoveryResponse(version: "v", resources: [any, any], typeURL: "t", nonce: "n")
        let parts =
            DiscoveryResponse.head(version: "v") + DiscoveryResponse.entry(any) + DiscoveryResponse.entry(any)
            + DiscoveryResponse.tail(typeURL: "t", nonce: "n")
        #expect(whole.bytes == parts)
    }
}

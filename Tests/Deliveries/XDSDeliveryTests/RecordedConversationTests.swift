import FoundationEssentials
import IsthmusTesting
import IstioAPI
import IstioProtobuf
import JSON
import Testing
import XDSDelivery

/// What a real istiod said to a recorded server, said to ours.
@Suite("A real istiod's conversations")
struct RecordedConversationTests {
    /// The requests of one step, each with the server's answer that it answers (`nil` for a subscription).
    private static func requests(in log: [JSONValue]) -> [(request: DiscoveryRequest, answers: Int?)] {
        var responses: [String: Int] = [:]
        var requests: [(DiscoveryRequest, Int?)] = []
        for line in log {
            guard let nonce = line["nonce"]?.string, let type = line["type"]?.string else { continue }
            if line["dir"]?.string == "bridge->istiod" {
                responses[nonce] = responses.count
            } else {
                let metadata = line["request"]?["node"]?["metadata"]?.object ?? JSONObject()
                let node =
                    line["hasNode"]?.bool == true ? DiscoveryRequest.Node(id: "istiod", metadata: metadata) : nil
                let request = DiscoveryRequest(
                    version: line["version"]?.string ?? "", node: node, typeURL: type, nonce: nonce)
                requests.append((request, responses[nonce]))
            }
        }
        return requests
    }

    private static func recording(_ name: String) throws -> JSONValue {
        let path = "\(ServerTools.packageRoot)/Tests/Fixtures/mcp/\(name).json"
        return try JSONValue(parsing: String(contentsOfFile: path, encoding: .utf8).utf8)
    }

    @Test("every type of a start is answered once, and every ACK is understood", arguments: ["start", "reconnect"])
    func start(_ name: String) throws {
        let requests = Self.requests(in: try Self.recording(name)["log"]?.array ?? [])
        var stream = DiscoveryStream()
        let newest = Dictionary(uniqueKeysWithValues: ResourceKind.served.map { ($0, "v1") })
        /// The nonces of ours, by type: the recorded server had others.
        var nonces: [String: String] = [:]
        var (subscriptions, acknowledged, empty) = (0, [String](), [String]())
        for (request, answers) in requests {
            var request = request
            if answers != nil { request.nonce = try #require(nonces[request.typeURL]) } else { subscriptions += 1 }
            for action in stream.received(request, newest: newest, now: .zero) {
                switch action {
                case .send(_, let type): nonces[type] = stream.sent(typeURL: type, version: "v1", now: .zero)
                case .sendEmpty(let type, _, let nonce):
                    nonces[type] = nonce
                    empty.append(type)
                case .acknowledged(let acknowledgement): acknowledged.append(acknowledgement.typeURL)
                default: Issue.record("\(action)")
                }
            }
        }
        #expect(stream.subscriptions.count == subscriptions)
        #expect(nonces.count == subscriptions)
        #expect(empty.contains("core/v1alpha1/MeshConfig"))
        if name == "start" {
            #expect(subscriptions == 16)
            #expect(
                acknowledged.sorted() == [
                    "networking.istio.io/v1/DestinationRule", "networking.istio.io/v1/ServiceEntry",
                    "networking.istio.io/v1/WorkloadEntry",
                ])
        }
    }

    @Test("each recorded change is one response, which istiod acknowledges")
    func changes() throws {
        let steps = try Self.recording("changes")["steps"]?.array ?? []
        #expect(steps.count == 11)
        let type = "networking.istio.io/v1/ServiceEntry"
        var stream = DiscoveryStream()
        _ = stream.received(.init(typeURL: type, nonce: "first"), newest: [.serviceEntry: "v0"], now: .zero)
        var nonce = stream.sent(typeURL: type, version: "v0", now: .zero)
        var now = Duration.seconds(1)
        _ = stream.received(.init(version: "v0", typeURL: type, nonce: nonce), newest: [.serviceEntry: "v0"], now: now)
        for (index, step) in steps.enumerated() {
            let version = "v\(index + 1)"
            now += .seconds(10)
            #expect(
                stream.changed(newest: [.serviceEntry: version], now: now) == [.send(.serviceEntry, typeURL: type)])
            nonce = stream.sent(typeURL: type, version: version, now: now)
            let requests = Self.requests(in: step["log"]?.array ?? [])
            var answer = try #require(requests.last).request
            (answer.nonce, answer.version) = (nonce, version)
            let actions = stream.received(answer, newest: [.serviceEntry: version], now: now)
            #expect(actions == [.acknowledged(.init(typeURL: type, version: version, latency: .zero))])
        }
    }
}

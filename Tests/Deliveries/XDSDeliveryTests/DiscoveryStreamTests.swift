import IstioAPI
import IstioProtobuf
import JSON
import Testing
import XDSDelivery

@Suite("One istiod's stream")
struct DiscoveryStreamTests {
    private static let entries = "networking.istio.io/v1/ServiceEntry"
    private static let node = DiscoveryRequest.Node(
        id: "sidecar~10.0.0.1~istiod-7f.istio-system~istio-system.svc.cluster.local",
        metadata: JSONObject([(key: "ISTIO_REVISION", value: "canary"), (key: "GENERATOR", value: "api")]))

    private var stream = DiscoveryStream()
    private var now = Duration.zero

    /// A request, and what the owner does about the answer.
    private mutating func receive(
        _ request: DiscoveryRequest, newest: String?
    ) -> (sent: [String], actions: [DiscoveryStream.Action]) {
        let versions = newest.map { [ResourceKind.serviceEntry: $0] } ?? [:]
        return perform(stream.received(request, newest: versions, now: now), newest)
    }

    private mutating func change(_ newest: String) -> (sent: [String], actions: [DiscoveryStream.Action]) {
        perform(stream.changed(newest: [.serviceEntry: newest], now: now), newest)
    }

    private mutating func perform(
        _ actions: [DiscoveryStream.Action], _ newest: String?
    ) -> (sent: [String], actions: [DiscoveryStream.Action]) {
        var sent: [String] = []
        for case .send(_, let typeURL) in actions {
            sent.append(stream.sent(typeURL: typeURL, version: newest ?? "", now: now))
        }
        return (sent, actions)
    }

    private static func first(_ type: String = entries, node: DiscoveryRequest.Node? = node) -> DiscoveryRequest {
        DiscoveryRequest(node: node, typeURL: type, nonce: "2026-11-30 22:02:52 m=+0.2")
    }

    private static func answer(_ version: String, _ nonce: String, refusal: String? = nil) -> DiscoveryRequest {
        DiscoveryRequest(
            version: version, node: node, typeURL: entries, nonce: nonce,
            refusal: refusal.map { .init(code: 3, message: $0) })
    }

    @Test("a type that is not ours is answered empty at once, once, also while nothing can be said")
    mutating func foreignTypes() {
        let type = "security.istio.io/v1/PeerAuthentication"
        #expect(
            receive(Self.first(type), newest: nil).actions
                == [.sendEmpty(typeURL: type, version: "none", nonce: "1")])
        let acknowledgement = DiscoveryRequest(version: "none", typeURL: type, nonce: "1")
        #expect(receive(acknowledgement, newest: nil).actions.isEmpty)
        #expect(change("v1").actions.isEmpty)
    }

    @Test("ServiceEntries are not answered before something can be said, and then at once")
    mutating func silence() {
        #expect(receive(Self.first(), newest: nil).actions.isEmpty)
        #expect(stream.subscriptions[Self.entries]?.state == .silent)
        #expect(change("v1").sent == ["1"])
    }

    @Test("a first request is a subscription, whatever its nonce")
    mutating func firstNonce() {
        #expect(receive(Self.first(), newest: "v1").sent == ["1"])
    }

    @Test("the next set waits for the ACK, and is then the newest one")
    mutating func oneInFlight() {
        _ = receive(Self.first(), newest: "v1")
        #expect(change("v2").actions.isEmpty)
        #expect(change("v3").actions.isEmpty)
        let (sent, actions) = receive(Self.answer("v1", "1"), newest: "v3")
        #expect(actions.first == .acknowledged(.init(typeURL: Self.entries, version: "v1", latency: .zero)))
        #expect(sent == ["2"])
        #expect(stream.subscriptions[Self.entries]?.lastVersion == "v3")
    }

    @Test("an unchanged set is never sent again")
    mutating func unchanged() {
        _ = receive(Self.first(), newest: "v1")
        #expect(receive(Self.answer("v1", "1"), newest: "v1").sent.isEmpty)
        #expect(change("v1").actions.isEmpty)
        // It changed and changed back while istiod rested.
        #expect(change("v1").actions.isEmpty)
    }

    @Test("an answer to an earlier response, or to none, says nothing")
    mutating func staleNonce() {
        _ = receive(Self.first(), newest: "v1")
        #expect(receive(Self.answer("v0", "0"), newest: "v2").actions.isEmpty)
        #expect(receive(Self.first(), newest: "v2").actions.isEmpty)
        _ = receive(Self.answer("v1", "1"), newest: "v1")
        #expect(receive(Self.answer("v1", "1"), newest: "v1").actions.isEmpty)
    }

    @Test("a refused set is told with its reason, and not sent again before it changes")
    mutating func refusal() {
        _ = receive(Self.first(), newest: "v1")
        let (sent, actions) = receive(Self.answer("", "1", refusal: "bad"), newest: "v1")
        #expect(actions == [.refused(typeURL: Self.entries, version: "v1", reason: "bad")])
        #expect(sent.isEmpty)
        #expect(stream.subscriptions[Self.entries]?.refusal == "bad")
        #expect(change("v2").sent == ["2"])
        _ = receive(Self.answer("v2", "2"), newest: "v2")
        #expect(stream.subscriptions[Self.entries]?.refusal == nil)
    }

    @Test("after a set that took long, istiod has as long for other things; at most five seconds")
    mutating func rest() {
        _ = receive(Self.first(), newest: "v1")
        now = .seconds(2)
        let (sent, actions) = receive(Self.answer("v1", "1"), newest: "v2")
        #expect(sent.isEmpty)
        #expect(actions.last == .wake(at: .seconds(4)))
        now = .seconds(4)
        #expect(change("v3").sent == ["2"])
        now = .seconds(30)
        #expect(receive(Self.answer("v3", "2"), newest: "v4").actions.last == .wake(at: .seconds(35)))
    }

    @Test("an empty set is sent once it is known to be the whole")
    mutating func empty() {
        #expect(receive(Self.first(), newest: "0-empty").sent == ["1"])
    }

    @Test("an istiod asks by the API version that it knows, and gets its type back")
    mutating func olderIstiod() {
        let type = "networking.istio.io/v1alpha3/ServiceEntry"
        let (_, actions) = receive(Self.first(type), newest: "v1")
        #expect(actions == [.send(.serviceEntry, typeURL: type)])
    }

    @Test("an istiod of another revision gets the types that are not ours, and no answer to the others")
    mutating func revisions() {
        stream = DiscoveryStream(revisions: ["default"])
        #expect(receive(Self.first("core/v1alpha1/MeshConfig"), newest: "v1").actions.count == 1)
        #expect(receive(Self.first(), newest: "v1").actions.isEmpty)
        #expect(change("v2").actions.isEmpty)
        #expect(!stream.isSelected)

        stream = DiscoveryStream(revisions: ["canary"])
        #expect(receive(Self.first(), newest: "v1").sent == ["1"])

        stream = DiscoveryStream(revisions: ["canary"])
        #expect(receive(Self.first(node: nil), newest: "v1").sent.isEmpty)
    }

    @Test("a client that asks for types without end is sent away")
    mutating func tooManyTypes() {
        for number in 0..<DiscoveryStream.maximumTypes { _ = receive(Self.first("a/v1/T\(number)"), newest: nil) }
        guard case .end? = receive(Self.first("a/v1/More"), newest: nil).actions.first else {
            Issue.record("the stream goes on")
            return
        }
        #expect(receive(Self.first("a/v1/Again"), newest: nil).actions.isEmpty)
        #expect(stream.subscriptions.count == DiscoveryStream.maximumTypes)
    }
}

import Console
import HTTPTypes
import JSON
import Status
import Testing

@Suite("the admin endpoint")
struct AdminEndpointTests {
    private let bridge = FakeBridge()

    @Test("/status is what the bridge says of itself")
    func status() async throws {
        let answer = await bridge.answer(.get, "/status?pretty")
        #expect(answer.status == .ok)
        #expect(try BridgeStatus(json: answer.body).instance == "main")
    }

    @Test("/livez is there as long as the process answers, /readyz says why it isn't yet")
    func probes() async {
        #expect(await bridge.answer(.get, "/readyz").status == .ok)
        bridge.change { $0.isReady = false }
        #expect(await bridge.answer(.get, "/livez").status == .ok)
        let answer = await bridge.answer(.get, "/readyz")
        #expect(answer.status == .serviceUnavailable)
        #expect(answer.body["reason"] == "the bridge is starting")
    }

    @Test("a release with the right token lets go, and tells of what")
    func release() async throws {
        bridge.change { $0.holds = ["zk main/2": FakeBridge.hold, "zk": FakeBridge.hold] }
        let answer = await bridge.answer(.post, "/release/zk%20main%2F2", token: "bearer secret")
        #expect(answer.status == .ok)
        #expect(try Released(json: answer.body) == Released(registry: "zk main/2", hold: FakeBridge.hold))
        #expect(bridge.status.holds == ["zk"])
    }

    @Test("a replica that stands by names those that have to let go too")
    func standby() async throws {
        func release() async throws -> Released {
            bridge.change { $0.holds = ["zk": FakeBridge.hold] }
            let answer = await bridge.answer(.post, "/release/zk", token: "Bearer secret")
            #expect(answer.status == .ok)
            return try Released(json: answer.body)
        }
        bridge.change {
            $0.deliveries = [DeliveryStatus(name: "east", leadership: .standby(holder: "pod-1"), isSeeded: true)]
        }
        let released = try await release()
        #expect(released.leaders == ["pod-1"])
        #expect(released.text.contains("does not lead. They stay in the mesh until pod-1 lets go of them too."))
        bridge.change { $0.deliveries[0].leadership = .standby(holder: nil) }
        #expect(try await release().leaders == [])
        // It writes to one of two clusters.
        bridge.change { $0.deliveries.append(DeliveryStatus(name: "west", leadership: .leading, isSeeded: true)) }
        #expect(try await release().leaders == nil)
    }

    @Test("a registry of which nothing is held is not found, and the others are named")
    func nothingHeld() async {
        bridge.change { $0.holds = ["west": FakeBridge.hold, "east": FakeBridge.hold] }
        let answer = await bridge.answer(.post, "/release/zk", token: "Bearer secret")
        #expect(answer.status == .notFound)
        #expect(
            answer.body["error"]
                == "nothing is held of a registry 'zk'; something is held only of: east, west")
        bridge.change { $0.holds = [:] }
        let none = await bridge.answer(.post, "/release/zk", token: "Bearer secret")
        #expect(none.body["error"] == "nothing is held of a registry 'zk'; something is held of no registry")
    }

    @Test(
        "without the right token nothing is released",
        arguments: [
            nil, "", "Bearer", "Bearer ", "Bearer Secret", "Bearer secre", "Bearer secretsecret", "Basic secret",
        ])
    func wrongToken(token: String?) async {
        bridge.change { $0.holds = ["zk": FakeBridge.hold] }
        let answer = await bridge.answer(.post, "/release/zk", token: token)
        #expect(answer.status == .unauthorized)
        #expect(answer.headers[.wwwAuthenticate] == "Bearer realm=\"isthmus\"")
        #expect(bridge.status.holds == ["zk"])
    }

    @Test("the token may rotate")
    func rotation() async {
        bridge.change { $0.holds = ["zk": FakeBridge.hold] }
        bridge.change { $0.token = .success("new") }
        #expect(await bridge.answer(.post, "/release/zk", token: "Bearer secret").status == .unauthorized)
        #expect(await bridge.answer(.post, "/release/zk", token: "Bearer new").status == .ok)
    }

    @Test("where no token is configured or can be read, nothing is released, and the answer says what to do")
    func noToken() async {
        bridge.change { $0.holds = ["zk": FakeBridge.hold] }
        bridge.change { $0.token = .success(nil) }
        let none = await bridge.answer(.post, "/release/zk", token: "Bearer secret")
        #expect(none.status == .forbidden)
        #expect(none.body["error"]?.string?.contains("set admin.tokenFile or admin.tokenEnv") == true)
        bridge.change { $0.token = .success("") }
        #expect(await bridge.answer(.post, "/release/zk", token: "Bearer ").status == .unauthorized)
        bridge.change { $0.token = .failure(FakeBridge.NoToken()) }
        let unreadable = await bridge.answer(.post, "/release/zk", token: "Bearer secret")
        #expect(unreadable.status == .forbidden)
        #expect(unreadable.body["error"]?.string?.contains("the bridge's log says why") == true)
        #expect(bridge.status.holds == ["zk"])
    }

    @Test("a web page releases nothing, even with the token")
    func origin() async {
        bridge.change { $0.holds = ["zk": FakeBridge.hold] }
        let answer = await bridge.answer(
            .post, "/release/zk", token: "Bearer secret", headers: [.origin: "http://elsewhere"])
        #expect(answer.status == .forbidden)
        #expect(bridge.status.holds == ["zk"])
    }

    @Test(
        "what is not there, or not so, is an error in JSON",
        arguments: [
            (HTTPRequest.Method.get, "/", HTTPResponse.Status.notFound), (.get, "/status/", .notFound),
            (.get, "/release", .notFound), (.post, "/release/", .badRequest),
            (.get, "/release/zk", .methodNotAllowed), (.post, "/status", .methodNotAllowed),
            (.delete, "/livez", .methodNotAllowed),
        ])
    func refused(method: HTTPRequest.Method, path: String, status: HTTPResponse.Status) async {
        let answer = await bridge.answer(method, path, token: "Bearer secret")
        #expect(answer.status == status)
        #expect(answer.body["error"]?.string?.isEmpty == false)
        #expect((answer.headers[.allow] != nil) == (status == .methodNotAllowed))
    }
}

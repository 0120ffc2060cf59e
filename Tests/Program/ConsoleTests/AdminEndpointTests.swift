import Console
import HTTPTypes
import JSON
import Status
import Testing

@Suite("the admin endpoint")
struct AdminEndpointTests {
    private let bridge = FakeBridge()

    @Test("/status is the state of the bridge")
    func status() async throws {
        let answer = await bridge.answer(.get, "/status?pretty")
        #expect(answer.status == .ok)
        #expect(try BridgeStatus(decoding: answer.body.encoded()).instance == "main")
    }

    @Test("/livez is 200 as long as the process answers, and /readyz says why the bridge is not ready")
    func probes() async {
        #expect(await bridge.answer(.get, "/readyz").status == .ok)
        bridge.change { $0.isReady = false }
        #expect(await bridge.answer(.get, "/livez").status == .ok)
        let answer = await bridge.answer(.get, "/readyz")
        #expect(answer.status == .serviceUnavailable)
        #expect(answer.json["reason"] == "the bridge is starting")
    }

    @Test("a release with the right token ends the hold, and the answer shows it")
    func release() async throws {
        bridge.change { $0.holds = ["zk main/2": FakeBridge.hold, "zk": FakeBridge.hold] }
        let answer = await bridge.answer(.post, "/release/zk%20main%2F2", token: "bearer secret")
        #expect(answer.status == .ok)
        #expect(
            try Released(decoding: answer.body.encoded()) == FakeBridge.released("zk main/2", FakeBridge.hold))
        #expect(bridge.status.releasable == ["zk"])
    }

    @Test("a release can be about one service, and about nothing else")
    func oneService() async throws {
        bridge.change { $0.holds = ["zk": FakeBridge.hold] }
        let unknown = await bridge.answer(.post, "/release/zk?service=a.X", token: "Bearer secret")
        #expect(unknown.status == .notFound)
        #expect(
            unknown.json["error"]
                == "nothing is held or left over of a registry 'zk' and its service 'a.X'; something is held or left over only of: zk"
        )
        // A script whose variable is not set must not release everything.
        for query in ["name=a.X", "service=", ""] {
            let other = await bridge.answer(.post, "/release/zk?\(query)", token: "Bearer secret")
            #expect(other.status == .badRequest && bridge.status.releasable == ["zk"])
        }
        let answer = await bridge.answer(
            .post, "/release/zk?service=com.acme.Orders%2F2", token: "Bearer secret")
        #expect(answer.status == .ok && bridge.status.releasable == [])
    }

    @Test("the answer of a standby replica names the replicas that have to release too")
    func standby() async throws {
        func release() async throws -> Released {
            bridge.change { $0.holds = ["zk": FakeBridge.hold] }
            let answer = await bridge.answer(.post, "/release/zk", token: "Bearer secret")
            #expect(answer.status == .ok)
            return try Released(decoding: answer.body.encoded())
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

    @Test("a registry without a hold is not found, and the answer names those with one")
    func nothingHeld() async {
        bridge.change { $0.holds = ["west": FakeBridge.hold, "east": FakeBridge.hold] }
        let answer = await bridge.answer(.post, "/release/zk", token: "Bearer secret")
        #expect(answer.status == .notFound)
        #expect(
            answer.json["error"]
                == "nothing is held or left over of a registry 'zk'; something is held or left over only of: east, west"
        )
        bridge.change { $0.holds = [:] }
        let none = await bridge.answer(.post, "/release/zk", token: "Bearer secret")
        #expect(
            none.json["error"]
                == "nothing is held or left over of a registry 'zk'; something is held or left over of no registry")
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
        #expect(bridge.status.releasable == ["zk"])
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
        #expect(none.json["error"]?.string?.contains("set admin.tokenFile or admin.tokenEnv") == true)
        bridge.change { $0.token = .success("") }
        #expect(await bridge.answer(.post, "/release/zk", token: "Bearer ").status == .unauthorized)
        bridge.change { $0.token = .failure(FakeBridge.NoToken()) }
        let unreadable = await bridge.answer(.post, "/release/zk", token: "Bearer secret")
        #expect(unreadable.status == .forbidden)
        #expect(unreadable.json["error"]?.string?.contains("the bridge's log says why") == true)
        #expect(bridge.status.releasable == ["zk"])
    }

    @Test("a request of a web page releases nothing, even with the token")
    func origin() async {
        bridge.change { $0.holds = ["zk": FakeBridge.hold] }
        let answer = await bridge.answer(
            .post, "/release/zk", token: "Bearer secret", headers: [.origin: "http://elsewhere"])
        #expect(answer.status == .forbidden)
        #expect(bridge.status.releasable == ["zk"])
    }

    @Test(
        "a wrong path or method is an error in JSON",
        arguments: [
            (HTTPRequest.Method.get, "/", HTTPResponse.Status.notFound), (.get, "/status/", .notFound),
            (.get, "/release", .notFound), (.post, "/release/", .badRequest),
            (.get, "/release/zk", .methodNotAllowed), (.post, "/status", .methodNotAllowed),
            (.delete, "/livez", .methodNotAllowed),
        ])
    func refused(method: HTTPRequest.Method, path: String, status: HTTPResponse.Status) async {
        let answer = await bridge.answer(method, path, token: "Bearer secret")
        #expect(answer.status == status)
        #expect(answer.json["error"]?.string?.isEmpty == false)
        #expect((answer.headers[.allow] != nil) == (status == .methodNotAllowed))
    }
}

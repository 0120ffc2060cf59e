import IsthmusTesting
import JSON
import NIOHTTP1
import Testing

@testable import Kubernetes

@Suite("A client", .timeLimit(.minutes(1)))
struct ClientTests {
    @Test("sends its name and token, and reads an object")
    func get() async throws {
        try await TestServer.run(replies: [.json(objectText("a", version: "7"))]) { server in
            let configuration = ClusterConfiguration(server: server.url, token: .fixed(Secret("t0ken")))
            let object = try await withClient(configuration) { client in
                try await client.get(configMaps, name: "a", namespace: "ns", representation: .metadataOnly)
            }
            #expect(object.metadata == ObjectMetadata(name: "a", namespace: "ns", uid: "u-a", resourceVersion: "7"))
            let request = try #require(server.requests.first)
            #expect(request.uri == "/api/v1/namespaces/ns/configmaps/a")
            #expect(request.headers["Authorization"] == ["Bearer t0ken"])
            #expect(request.headers["User-Agent"] == ["test/1"])
            #expect(request.headers["Host"] == ["127.0.0.1:\(server.port)"])
            #expect(request.headers["Accept"].first?.contains("as=PartialObjectMetadata;") == true)
        }
    }

    @Test("creates, patches and deletes")
    func writes() async throws {
        try await TestServer.run(replies: [.json(objectText("a", version: "7"), status: 201)]) { server in
            try await withClient(ClusterConfiguration(server: server.url + "/prefix")) { client in
                _ = try await client.create(
                    configMaps, namespace: "ns", body: ["kind": "ConfigMap"] as JSONValue, fieldManager: "me")
                _ = try await client.mergePatch(
                    configMaps, name: "a", namespace: "ns", body: ["data": ["x": "y"]] as JSONValue, replying: .full)
                try await client.delete(configMaps, name: "a", namespace: "ns", uid: "u-a", resourceVersion: "7")
                try await client.delete(configMaps, name: "a", namespace: "ns")
            }
            let requests = server.requests
            #expect(requests.map(\.method) == [.POST, .PATCH, .DELETE, .DELETE])
            #expect(requests[0].uri == "/prefix/api/v1/namespaces/ns/configmaps?fieldManager=me")
            #expect(requests[0].body == #"{"kind":"ConfigMap"}"#)
            #expect(requests[0].headers["Content-Type"] == ["application/json"])
            #expect(requests[1].uri == "/prefix/api/v1/namespaces/ns/configmaps/a")
            #expect(requests[1].headers["Content-Type"] == ["application/merge-patch+json"])
            #expect(requests[1].headers["Accept"] == ["application/json"])
            #expect(
                requests[2].body
                    == #"{"apiVersion":"v1","kind":"DeleteOptions","preconditions":{"resourceVersion":"7","uid":"u-a"}}"#
            )
            #expect(requests[3].body == #"{"apiVersion":"v1","kind":"DeleteOptions"}"#)
        }
    }

    @Test("follows the pages of a list")
    func list() async throws {
        let replies: [TestServer.Reply] = [
            .json(listText(["a", "b"], version: "10", continuing: "x/y")), .json(listText(["c"], version: "10")),
        ]
        try await TestServer.run(replies: replies) { server in
            let names = try await withClient(ClusterConfiguration(server: server.url)) { client in
                var names: [[String]] = []
                for try await page in client.list(configMaps, labelSelector: "a=b", pageSize: 2) {
                    #expect(page.resourceVersion == "10")
                    names.append(page.objects.map(\.metadata.name))
                }
                return names
            }
            #expect(names == [["a", "b"], ["c"]])
            #expect(server.requests[0].query == ["labelSelector": "a%3Db", "limit": "2"])
            #expect(server.requests[1].query == ["labelSelector": "a%3Db", "limit": "2", "continue": "x%2Fy"])
        }
    }

    @Test("fails a list whose snapshot expires between two pages")
    func expiredList() async throws {
        let replies: [TestServer.Reply] = [
            .json(listText(["a"], version: "10", continuing: "x")), .json(expiredText, status: 410),
        ]
        try await TestServer.run(replies: replies) { server in
            try await withClient(ClusterConfiguration(server: server.url)) { client in
                var pages = client.list(configMaps).makeAsyncIterator()
                let first = try await pages.next()
                #expect(first?.objects.count == 1)
                do throws(KubernetesError) {
                    _ = try await pages.next()
                    Issue.record("the second page should fail")
                } catch {
                    #expect(error.code == .gone)
                }
                let third = try await pages.next()
                #expect(third == nil)
            }
        }
    }

    @Test("finds which versions and resources are served, and absence is no failure")
    func discovery() async throws {
        try await TestServer.run({ request in
            switch request.uri {
            case "/apis/networking.istio.io":
                .json(#"{"versions":[{"groupVersion":"g/v1","version":"v1"},{"version":"v1beta1"}]}"#)
            case "/api": .json(#"{"versions":["v1"]}"#)
            case "/apis/networking.istio.io/v1":
                .json(#"{"resources":[{"name":"serviceentries"},{"name":"serviceentries/status"}]}"#)
            case "/apis/broken": .json("{}")
            case "/apis": .json(#"{"kind":"APIGroupList","groups":[]}"#)
            default: .json("404 page not found", status: 404)
            }
        }) { server in
            try await withClient(ClusterConfiguration(server: server.url)) { client in
                #expect(try await client.servedVersions(group: "networking.istio.io") == ["v1", "v1beta1"])
                #expect(try await client.servedVersions(group: "") == ["v1"])
                #expect(try await client.servedVersions(group: "absent") == [])
                #expect(
                    try await client.resources(group: "networking.istio.io", version: "v1") == ["serviceentries"])
                #expect(try await client.resources(group: "networking.istio.io", version: "v9") == [])
                let error = try await failure { () async throws(KubernetesError) in
                    try await client.servedVersions(group: "broken")
                }
                #expect(error.code == .malformedReply)
            }
        }
    }

    @Test("logs each of the server's warnings once")
    func warnings() async throws {
        let recorder = LogRecorder()
        let reply = TestServer.Reply.json(
            objectText("a", version: "7"), headers: ["Warning": #"299 - "unknown field \"spec.x\"""#])
        try await TestServer.run(replies: [reply]) { server in
            try await withClient(ClusterConfiguration(server: server.url), logger: recorder.logger) { client in
                for _ in 0..<3 { _ = try await client.get(configMaps, name: "a", namespace: "ns") }
            }
        }
        #expect(recorder.messages.count == 1)
        #expect(recorder.messages.first?.contains("spec.x") == true)
    }
}

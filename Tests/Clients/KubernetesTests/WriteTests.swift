import JSON
import NIOHTTP1
import Testing

@testable import Kubernetes

@Suite("A write", .timeLimit(.minutes(1)))
struct WriteTests {
    private func send(
        _ reply: TestServer.Reply = .json(objectText("a", version: "8")), impersonation: Impersonation? = nil,
        _ write: @Sendable (KubernetesClient) async throws -> Void
    ) async throws -> TestServer.Request {
        try await TestServer.run(replies: [reply]) { server in
            try await withClient(ClusterConfiguration(server: server.url, impersonation: impersonation), write)
            return try #require(server.requests.first)
        }
    }

    @Test("replaces the version that was read, and no other")
    func replace() async throws {
        let request = try await send { client in
            let body = Array(#"{"kind":"ConfigMap","metadata":{"name":"a","resourceVersion":"1"}}"#.utf8)
            let object = try await client.replace(
                configMaps, name: "a", namespace: "ns", resourceVersion: "7", body: body, fieldManager: "me")
            #expect(object.metadata.resourceVersion == "8")
            for body in ["[]", "{"] {
                let error = try await failure { () async throws(KubernetesError) in
                    try await client.replace(
                        configMaps, name: "a", namespace: "ns", resourceVersion: "7", body: Array(body.utf8))
                }
                #expect(error.code == .configuration)
            }
        }
        #expect(request.method == .PUT)
        #expect(request.uri == "/api/v1/namespaces/ns/configmaps/a?fieldManager=me")
        #expect(request.body == #"{"kind":"ConfigMap","metadata":{"name":"a","resourceVersion":"7"}}"#)
        #expect(request.headers["Content-Type"] == ["application/json"])
    }

    @Test("applies fields, by force only when asked", arguments: [false, true])
    func apply(force: Bool) async throws {
        let request = try await send { client in
            _ = try await client.apply(
                serviceEntries, name: "a", namespace: "ns", body: ["kind": "ServiceEntry"] as JSONValue,
                fieldManager: "me", force: force)
            let error = try await failure { () async throws(KubernetesError) in
                try await client.apply(
                    serviceEntries, name: "a", namespace: "ns", body: [:] as JSONValue, fieldManager: "")
            }
            #expect(error.code == .configuration)
        }
        #expect(request.method == .PATCH)
        #expect(
            request.uri
                == "/apis/networking.istio.io/v1/namespaces/ns/serviceentries/a?fieldManager=me&force=\(force)")
        #expect(request.headers["Content-Type"] == ["application/apply-patch+yaml"])
    }

    @Test("that would change fields of others fails with their managers")
    func conflict() async throws {
        let status = #"""
            {"kind":"Status","status":"Failure","reason":"Conflict","code":409,
             "message":"Apply failed with 2 conflicts: conflicts with \"kubectl\":\n- .data.x",
             "details":{"causes":[
              {"reason":"FieldManagerConflict","field":".data.x",
               "message":"conflict with \"kubectl \\\"edit\\\"\" with subresource \"status\" using v1 at 2026-01-02T03:04:05Z"},
              {"reason":"FieldManagerConflict","field":".data.y","message":"conflict with \"other\""},
              {"reason":"Else","field":".data.z","message":"conflict with \"other\""}]}}
            """#
        _ = try await send(.json(status, status: 409)) { client in
            let error = try await failure { () async throws(KubernetesError) in
                try await client.apply(
                    configMaps, name: "a", namespace: "ns", body: [:] as JSONValue, fieldManager: "me")
            }
            #expect(error.code == .conflict)
            #expect(
                error.fieldConflicts == [
                    .init(
                        field: ".data.x", manager: #"kubectl "edit""#, subresource: "status",
                        time: "2026-01-02T03:04:05Z"),
                    .init(field: ".data.y", manager: "other"),
                ])
            #expect(error.message.contains("apply with force to take them over"))
            #expect(!error.isTransient)
        }
    }

    @Test("of a media type that the server does not accept says so")
    func mediaType() async throws {
        _ = try await send(.json("", status: 415)) { client in
            let error = try await failure { () async throws(KubernetesError) in
                try await client.apply(
                    configMaps, name: "a", namespace: "ns", body: [:] as JSONValue, fieldManager: "me")
            }
            #expect(error.code == .unsupported)
            #expect(error.message.contains("the server does not accept application/apply-patch+yaml for this resource"))
        }
    }

    @Test("reads, patches, replaces and applies the status apart from the object")
    func status() async throws {
        try await TestServer.run(replies: [.json(objectText("a", version: "8"))]) { server in
            try await withClient(ClusterConfiguration(server: server.url)) { client in
                let status: AnyJSON = ["status": ["ready": true]]
                _ = try await client.get(configMaps, name: "a", namespace: "ns", subresource: .status)
                _ = try await client.mergePatch(
                    configMaps, name: "a", namespace: "ns", subresource: .status, body: status)
                _ = try await client.replace(
                    configMaps, name: "a", namespace: "ns", subresource: .status, resourceVersion: "7", body: status)
                _ = try await client.apply(
                    configMaps, name: "a", namespace: "ns", subresource: .status, body: status, fieldManager: "me")
                _ = try await client.mergePatch(
                    configMaps, name: "a", namespace: "ns", subresource: .init("a/b"), body: status)
                let error = try await failure { () async throws(KubernetesError) in
                    try await client.get(configMaps, name: "a", namespace: "ns", subresource: .init(""))
                }
                #expect(error.code == .configuration)
            }
            let path = "/api/v1/namespaces/ns/configmaps/a/status"
            #expect(server.requests.map(\.method) == [.GET, .PATCH, .PUT, .PATCH, .PATCH])
            #expect(server.requests.prefix(4).map(\.path) == [path, path, path, path])
            #expect(server.requests.last?.path == "/api/v1/namespaces/ns/configmaps/a/a%2Fb")
            #expect(server.requests[1].body == #"{"status":{"ready":true}}"#)
            #expect(server.requests[2].body == #"{"metadata":{"resourceVersion":"7"},"status":{"ready":true}}"#)
        }
    }

    @Test("encodes a type of the caller, and refuses what is not encoded as an object before it sends anything")
    func encoding() async throws {
        struct ConfigMap: Encodable {
            struct Metadata: Encodable { var name: String }
            var kind = "ConfigMap"
            var metadata = Metadata(name: "a")
            var data: [String: String]?
        }
        struct Unwritable: Encodable {
            func encode(to encoder: any Encoder) throws { throw NothingThrown() }
        }
        try await TestServer.run(replies: [.json(objectText("a", version: "8"))]) { server in
            try await withClient(ClusterConfiguration(server: server.url)) { client in
                _ = try await client.create(configMaps, namespace: "ns", body: ConfigMap(data: ["url": "http://b/"]))
                _ = try await client.replace(
                    configMaps, name: "a", namespace: "ns", resourceVersion: "7", body: ConfigMap())
                let text = try await failure { () async throws(KubernetesError) in
                    try await client.create(configMaps, namespace: "ns", body: "{}")
                }
                #expect(text.code == .encodingFailed)
                #expect(text.message.contains("AnyJSON(parsing:)"))
                let error = try await failure { () async throws(KubernetesError) in
                    try await client.mergePatch(configMaps, name: "a", namespace: "ns", body: Unwritable())
                }
                #expect(error.code == .encodingFailed)
                #expect(error.cause is NothingThrown)
            }
            #expect(
                server.requests.map(\.body) == [
                    #"{"data":{"url":"http://b/"},"kind":"ConfigMap","metadata":{"name":"a"}}"#,
                    #"{"kind":"ConfigMap","metadata":{"name":"a","resourceVersion":"7"}}"#,
                ])
        }
    }

    @Test("decides about the objects that a deleted one owns")
    func propagation() async throws {
        let request = try await send { client in
            try await client.delete(configMaps, name: "a", namespace: "ns", propagation: .foreground)
        }
        #expect(request.body == #"{"apiVersion":"v1","kind":"DeleteOptions","propagationPolicy":"Foreground"}"#)
    }

    @Test("is sent in the name of another user")
    func impersonation() async throws {
        let jane = Impersonation(user: "jane", uid: "u1", groups: ["a", "b"], extra: ["a.b/c": ["x", "y"]])
        let request = try await send(impersonation: jane) { client in
            try await client.delete(configMaps, name: "a", namespace: "ns")
        }
        #expect(request.headers["Impersonate-User"] == ["jane"])
        #expect(request.headers["Impersonate-Uid"] == ["u1"])
        #expect(request.headers["Impersonate-Group"] == ["a", "b"])
        #expect(request.headers["Impersonate-Extra-a.b%2Fc"] == ["x", "y"])
    }
}

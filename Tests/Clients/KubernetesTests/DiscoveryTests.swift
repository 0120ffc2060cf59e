import Testing

@testable import Kubernetes

@Suite("Discovery", .timeLimit(.minutes(1)))
struct DiscoveryTests {
    private let notFound = TestServer.Reply.json("404 page not found\n", status: 404)

    private func versions(
        prefix: String = "", _ handler: @escaping @Sendable (TestServer.Request) -> TestServer.Reply
    ) async throws -> [String] {
        try await TestServer.run(handler) { server in
            try await withClient(ClusterConfiguration(server: server.url + prefix)) { client in
                try await client.servedVersions(group: "networking.istio.io")
            }
        }
    }

    @Test("finds the versions of a group below the path of the server's URL")
    func prefix() async throws {
        let found = try await versions(prefix: "/k8s/clusters/c-1/") { request in
            request.path == "/k8s/clusters/c-1/apis/networking.istio.io"
                ? .json(#"{"kind":"APIGroup","versions":[{"version":"v1"},{"version":"v1beta1"}]}"#)
                : .json("", status: 500)
        }
        #expect(found == ["v1", "v1beta1"])
    }

    @Test("finds no version of a group that the server does not know")
    func unknownGroup() async throws {
        let found = try await versions { [notFound] request in
            request.path == "/apis" ? .json(#"{"kind":"APIGroupList","groups":[]}"#) : notFound
        }
        #expect(found == [])
    }

    @Test("says that the server's URL leads to no Kubernetes API", arguments: [404, 200])
    func wrongPath(status: Int) async throws {
        try await TestServer.run({ request in
            request.path == "/wrong/apis" ? .json("{}", status: status) : .json("404 page not found", status: 404)
        }) { server in
            try await withClient(ClusterConfiguration(server: "\(server.url)/wrong")) { client in
                let error = try await failure { () async throws(KubernetesError) in
                    try await client.servedVersions(group: "networking.istio.io")
                }
                #expect(error.code == .notFound)
                #expect(error.missing == .api)
                #expect(
                    error.description == "GET /apis: notFound: there is no Kubernetes API at \(server.url)/wrong; "
                        + "check the path of the server's URL")
            }
        }
    }

    @Test("says that a web page is none of a Kubernetes API")
    func webPage() async throws {
        try await TestServer.run({ _ in .json("\n<html>log in</html>") }) { server in
            try await withClient(ClusterConfiguration(server: server.url)) { client in
                let error = try await failure { () async throws(KubernetesError) in
                    try await client.servedVersions(group: "networking.istio.io")
                }
                #expect(error.message == "the reply is a web page; check the server's URL")
            }
        }
    }
}

internal import IsthmusTesting
internal import JSON
internal import Testing

/// A webhook of the test's own, asked by a real API server.
@Suite("The admission webhook", .realServers, .timeLimit(.minutes(5)))
struct AdmissionWebhookTests {
    private static func entry(_ name: String, in namespace: String) -> String {
        """
        apiVersion: networking.istio.io/v1beta1
        kind: ServiceEntry
        metadata: {name: \(name), namespace: \(namespace)}
        spec:
          hosts: [\(name).example]
          ports: [{number: 80, name: http, protocol: HTTP}]
          resolution: NONE
        """
    }

    private static func server(_ namespaces: String...) async throws -> RealAPIServer {
        let server = try await RealAPIServer.shared()
        for namespace in namespaces { try await server.createNamespace(namespace) }
        return server
    }

    @Test("what it denies is refused with its reason, in its namespace only, until it is taken back")
    func denied() async throws {
        let server = try await Self.server("webhook-denied", "webhook-elsewhere")
        try await AdmissionWebhook.withWebhook { request in
            request.name == "bad" ? .deny("bad is not a name", code: 422) : .allow
        } _: { webhook in
            try await webhook.register(in: server, namespace: "webhook-denied")
            #expect(webhook.callCount == 0)
            func create(_ name: String, in namespace: String = "webhook-denied") async throws {
                try await server.kubectl("create", "-f", "-", input: Self.entry(name, in: namespace))
            }
            try await create("good")
            try await create("bad", in: "webhook-elsewhere")
            let error = await #expect(throws: TestSupportError.self) { try await create("bad") }
            #expect(error?.description.contains("bad is not a name") == true)
            #expect(webhook.callCount == 2)
            let request = try #require(webhook.requests.first)
            #expect(request.operation == .create)
            #expect(request.resource == "serviceentries")
            #expect(request.namespace == "webhook-denied")
            #expect(request.name == "good")
            #expect(request.user == "admin")
            #expect(!request.isDryRun)
            #expect(request.newValue?["spec"]?["hosts"] == ["good.example"])
            #expect(request.oldObject == nil)
            try await webhook.unregister()
            try await create("bad")
            #expect(webhook.callCount == 2)
        }
    }

    @Test("what a mutating one changes is what stands in the cluster")
    func mutated() async throws {
        let namespace = "webhook-mutated"
        let server = try await Self.server(namespace)
        try await AdmissionWebhook.withWebhook { _ in
            .mutate(#"[{"op": "add", "path": "/spec/location", "value": "MESH_EXTERNAL"}]"#)
        } _: { webhook in
            try await webhook.register(as: .mutating, in: server, namespace: namespace, operations: [.create])
            try await server.kubectl("create", "-f", "-", input: Self.entry("changed", in: namespace))
            let text = try await server.kubectl("get", "serviceentry", "changed", "-n", namespace, "-o", "json")
            #expect(try JSONValue(parsing: text)["spec"]?["location"] == "MESH_EXTERNAL")
            try await server.kubectl("delete", "serviceentry", "changed", "-n", namespace)
            #expect(webhook.callCount == 1)
        }
    }

    @Test(
        "when it fails, the policy decides whether the request goes on",
        arguments: AdmissionWebhook.FailurePolicy.allCases)
    func failing(policy: AdmissionWebhook.FailurePolicy) async throws {
        let namespace = "webhook-failing-\(policy.rawValue.lowercased())"
        let server = try await Self.server(namespace)
        try await AdmissionWebhook.withWebhook { _ in
            throw TestSupportError("out of order")
        } _: { webhook in
            try await webhook.register(in: server, namespace: namespace, failurePolicy: policy)
            do {
                try await server.kubectl("create", "-f", "-", input: Self.entry("a", in: namespace))
                #expect(policy == .ignore)
            } catch {
                #expect(policy == .fail)
            }
            #expect(webhook.callCount > 0)
        }
    }
}

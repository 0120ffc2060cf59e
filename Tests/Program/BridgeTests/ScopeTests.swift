import Bridge
import Dubbo
import IsthmusTesting
import IstioAPI
import Pipeline
import Services
import Settings
import Sources
import Testing
import Translation

@Suite("the scope of a registry")
struct ScopeTests {
    /// A registry of one provider of `com.acme.Cart`.
    private struct Registry: Source {
        let name: String
        let host: UInt8

        func run(requests: ReadRequests, emit: @escaping @Sendable (SourceEvent) async -> Void) async {
            let id = ServiceID(name: "com.acme.Cart", protocol: .dubbo)
            await emit(.begin)
            await emit(.services(name: id.name, [id: [InstanceKey("\(name)-\(host)"): .sample(host)]]))
            await emit(.complete)
        }
    }

    /// The addresses of each object's endpoints, when these are the scopes of two registries with the same service.
    private func endpoints(_ first: String?, _ second: String?) async -> [String: [String]] {
        let cluster = FakeCluster()
        let pipeline = PipelineActor.sample(cluster, registries: ["east", "west"])
        await cluster.begin(pipeline)
        for (name, host, scope) in [("east", 1, first), ("west", 2, second)] as [(String, UInt8, String?)] {
            let registry = Registry(name: name, host: host)
            if let scope {
                await pipeline.follow(ScopedSource(registry, scope: scope))
            } else {
                await pipeline.follow(registry)
            }
        }
        await cluster.settle(pipeline)
        return Dictionary(
            uniqueKeysWithValues: cluster.objects.keys.map { ($0.name, cluster.endpoints($0.name) ?? []) })
    }

    @Test("without one, a service in two registries is one service")
    func without() async {
        #expect(await endpoints(nil, nil) == ["com.acme.cart": ["10.0.0.1", "10.0.0.2"]])
    }

    @Test("a scope keeps a registry's services apart, and stands in their hosts")
    func with() async {
        #expect(
            await endpoints("east", nil) == [
                "com.acme.cart.scope-east": ["10.0.0.1"], "com.acme.cart": ["10.0.0.2"],
            ])
        #expect(
            await endpoints("east", "west") == [
                "com.acme.cart.scope-east": ["10.0.0.1"], "com.acme.cart.scope-west": ["10.0.0.2"],
            ])
    }

    @Test("two registries of one scope share their services")
    func shared() async {
        #expect(await endpoints("east", "east") == ["com.acme.cart.scope-east": ["10.0.0.1", "10.0.0.2"]])
    }

    @Test("the configuration names it")
    func configuration() throws {
        func scopes(_ scope: String) throws -> [String?] {
            let yaml = """
                registries:
                  - { name: a, zookeeper: { servers: [a] }\(scope) }
                  - { name: b, zookeeper: { servers: [b] } }
                delivery: { directory: { path: out } }
                """
            return try BridgeConfiguration(yaml: yaml, file: "f").registries.map(\.scope)
        }
        #expect(try scopes("") == [nil, nil])
        #expect(try scopes(", scope: east-1") == ["east-1", nil])
        for wrong in ["''", "East", "a.b", "-a", "a b"] {
            let error = #expect(throws: ConfigurationError.self) { try scopes(", scope: \(wrong)") }
            #expect(error?.description.contains("'registries[0].scope': must be up to 63") == true)
        }
    }
}

import Testing

@testable import Kubernetes

@Suite("A request")
struct APIRequestTests {
    @Test("has the path of the collection or the object")
    func paths() throws {
        #expect(try configMaps.path(namespace: nil) == "/api/v1/configmaps")
        #expect(try configMaps.path(namespace: "ns", name: "a") == "/api/v1/namespaces/ns/configmaps/a")
        #expect(
            try serviceEntries.path(namespace: "ns", name: "org.apache.demo")
                == "/apis/networking.istio.io/v1/namespaces/ns/serviceentries/org.apache.demo")
        #expect(ResourceType.path(group: "") == "/api")
        #expect(ResourceType.path(group: "apps", version: "v1") == "/apis/apps/v1")
    }

    @Test("cannot leave its path by a name", arguments: ["", ".", ".."])
    func escapes(name: String) {
        #expect(throws: KubernetesError.self) { try configMaps.path(namespace: "ns", name: name) }
        #expect(throws: KubernetesError.self) { try configMaps.path(namespace: name) }
    }

    @Test("encodes names and query values")
    func encoding() throws {
        #expect(try configMaps.path(namespace: "ns", name: "a/b?c") == "/api/v1/namespaces/ns/configmaps/a%2Fb%3Fc")
        let request = APIRequest(
            path: "/p", query: [(name: "labelSelector", value: "a in (b,c),!d,é=\u{1}"), (name: "limit", value: "5")])
        #expect(request.target == "/p?labelSelector=a%20in%20%28b%2Cc%29%2C%21d%2C%C3%A9%3D%01&limit=5")
    }
}

import IstioAPI
import JSON
import Testing

extension ServiceEntry {
    /// A sound one, for tests to break.
    static let sample = ServiceEntry(
        key: ResourceKey(namespace: "dubbo", name: "com.acme.cart"),
        labels: ["app.kubernetes.io/managed-by": "isthmus"], annotations: ["isthmus.mesh/registries": "zk"],
        hosts: ["com.acme.cart"], addresses: ["240.16.0.1"],
        ports: [Port(number: 20880, name: "tcp-dubbo", protocol: "TCP")],
        endpoints: [
            Endpoint(
                address: "10.0.0.1", ports: ["tcp-dubbo": 20881], labels: ["version": "1"], locality: "eu/a", weight: 5)
        ],
        exportTo: ["*"])

    func with(_ change: (inout ServiceEntry) -> Void) -> ServiceEntry {
        var entry = self
        change(&entry)
        return entry
    }
}

@Suite("ServiceEntries as JSON")
struct ServiceEntryJSONTests {
    @Test("the whole object is canonical")
    func whole() {
        let text = String(decoding: ServiceEntry.sample.json(version: "v1beta1").bytes, as: UTF8.self)
        #expect(
            text == #"{"apiVersion":"networking.istio.io/v1beta1","kind":"ServiceEntry","metadata":{"annotations":"#
                + #"{"isthmus.mesh/registries":"zk"},"labels":{"app.kubernetes.io/managed-by":"isthmus"},"name":"com.acme.cart","#
                + #""namespace":"dubbo"},"spec":{"addresses":["240.16.0.1"],"endpoints":[{"address":"10.0.0.1","labels":"#
                + #"{"version":"1"},"locality":"eu/a","ports":{"tcp-dubbo":20881},"weight":5}],"exportTo":["*"],"#
                + #""hosts":["com.acme.cart"],"location":"MESH_INTERNAL","ports":[{"name":"tcp-dubbo","number":20880,"#
                + #""protocol":"TCP"}],"resolution":"STATIC"}}"#)
    }

    @Test("empty endpoints are written, other empty fields are left to others")
    func empty() {
        let spec = ServiceEntry.sample.with {
            $0.endpoints = []
            $0.addresses = []
            $0.exportTo = []
        }.spec
        #expect(spec.object?.keys == ["endpoints", "hosts", "location", "ports", "resolution"])
        #expect(spec["endpoints"] == [])
    }

    @Test("an endpoint has only the fields that say something")
    func endpoint() {
        let spec = ServiceEntry.sample.with { $0.endpoints = [.init(address: "::1", ports: [:])] }.spec
        #expect(spec["endpoints"] == [["address": "::1"]])
    }
}

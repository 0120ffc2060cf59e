import IstioAPI
import JSON
import Testing

/// istiod's validation webhook, as it was recorded for one object after the other.
@Suite("what istiod's webhook refuses")
struct ValidationRecordingTests {
    private struct Case {
        var name: String
        var object: ConfigObject
        var isAllowed: Bool

        init?(_ json: JSONValue) {
            guard let name = json["case"]?.string, let kind = json["kind"]?.string, let spec = json["spec"] else {
                return nil
            }
            self.name = name
            object = ConfigObject(kind: kind, namespace: "dubbo", name: "a", spec: spec)
            isAllowed = json["allowed"]?.bool ?? false
        }

        static func all() throws -> [Case] {
            let json = try #require(try Recording.json("validation.json")["cases"]?.array)
            let cases = json.compactMap { Case($0) }
            #expect(cases.count == json.count && cases.count > 50)
            return cases
        }
    }

    @Test("no object that the webhook refuses is ever sent")
    func recorded() throws {
        var refused: Set<String> = []
        var unwritable: Set<String> = []
        for recorded in try Case.all() {
            guard let resource = Resource(recorded.object) else {
                unwritable.insert(recorded.name)
                continue
            }
            if !recorded.isAllowed { #expect(!resource.violations.isEmpty, "\(recorded.name)") }
            if recorded.isAllowed, !resource.violations.isEmpty { refused.insert(recorded.name) }
        }
        #expect(
            refused == [
                "upper case host", "no port", "address with host bits", "label value long", "zone id",
                "wildcard with STATIC", "unix endpoint",
            ])
        // `ServiceEntry` has no room for these.
        #expect(
            unwritable == [
                "DNS_ROUND_ROBIN, two", "endpoints and selector", "port 65536", "subjectAltNames",
                "serviceAccount on endpoint",
            ])
    }
}

extension Resource {
    /// What an object says, as far as Isthmus writes such objects; `nil` for what it never writes.
    fileprivate init?(_ object: ConfigObject) {
        let spec = object.spec
        if object.kind == "WorkloadEntry" {
            guard let endpoint = ServiceEntry.Endpoint(spec) else { return nil }
            let key = ResourceKey(.workloadEntry, namespace: object.namespace, name: object.name)
            self = .workloadEntry(WorkloadEntry(key: key, labels: [:], annotations: [:], endpoint: endpoint))
            return
        }
        let known: Set = [
            "hosts", "addresses", "ports", "location", "resolution", "endpoints", "workloadSelector", "exportTo",
        ]
        guard known.isSuperset(of: spec.object?.keys ?? []),
            spec["endpoints"] == nil || spec["workloadSelector"] == nil,
            let resolution = ServiceEntry.Resolution(rawValue: spec["resolution"]?.string ?? "NONE")
        else { return nil }
        let ports = (spec["ports"]?.array ?? []).map(ServiceEntry.Port.init)
        let endpoints = object.inlineEndpoints.map(ServiceEntry.Endpoint.init)
        guard !ports.contains(nil), !endpoints.contains(nil) else { return nil }
        self = .serviceEntry(
            ServiceEntry(
                key: ResourceKey(namespace: object.namespace, name: object.name), labels: [:], annotations: [:],
                hosts: spec["hosts"]?.texts ?? [], addresses: spec["addresses"]?.texts ?? [],
                ports: ports.compactMap { $0 },
                location: spec["location"]?.string == "MESH_INTERNAL" ? .meshInternal : .meshExternal,
                resolution: resolution, endpoints: endpoints.compactMap { $0 },
                workloadSelector: spec["workloadSelector"]?["labels"]?.strings, exportTo: spec["exportTo"]?.texts ?? [])
        )
    }
}

extension ServiceEntry.Port {
    fileprivate init?(_ json: JSONValue) {
        guard let number = json["number"]?.integer.flatMap({ UInt16(exactly: $0) }) else { return nil }
        self.init(
            number: number, name: json["name"]?.string ?? "", protocol: json["protocol"]?.string ?? "")
    }
}

extension ServiceEntry.Endpoint {
    fileprivate init?(_ json: JSONValue) {
        let known: Set = ["address", "ports", "labels", "locality", "weight"]
        guard known.isSuperset(of: json.object?.keys ?? []) else { return nil }
        let ports = (json["ports"]?.object?.members ?? []).map { ($0.key, UInt16($0.value.integer ?? 0)) }
        self.init(
            address: json["address"]?.string ?? "", ports: Dictionary(ports) { first, _ in first },
            labels: json["labels"]?.strings ?? [:], locality: json["locality"]?.string ?? "",
            weight: json["weight"]?.integer.map { UInt32($0) })
    }
}

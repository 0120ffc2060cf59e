import IstioAPI
import JSON
import Services
import Sources
import Testing

@testable import Declarations

@Suite("registrations of libraries")
struct RecordedConventionTests {
    @Test("each recorded layout becomes the services that it stands for", arguments: RecordedConvention.all)
    func recorded(_ convention: RecordedConvention) throws {
        let declaration = try convention.declaration()
        let decoder = try convention.decoder()
        var instances: [DeclaredInstance] = []
        for entry in try convention.entries() {
            if case .instances(let found) = decoder.decode(entry) { instances += found }
        }
        instances.removeAll { !$0.instance.wantsTraffic }
        for service in try #require(convention.document()["expected"]?["services"]?.array) {
            for endpoint in try #require(service["endpoints"]?.array) {
                // Without a port nothing can be called.
                guard endpoint["port"]?.integer != nil else { continue }
                let index = try #require(
                    instances.firstIndex { matches($0, service, endpoint, declaration) },
                    "\(service["name"]?.string ?? "") \(endpoint) is missing among \(instances)")
                let found = instances.remove(at: index)
                if let port = endpoint["tlsPort"]?.integer {
                    let other = try #require(
                        instances.firstIndex { $0.instance.host == found.instance.host && $0.instance.port == port })
                    #expect(instances.remove(at: other).service.protocol == "https")
                }
            }
        }
        #expect(instances.isEmpty, "nothing else is carried")
    }

    private func matches(
        _ found: DeclaredInstance, _ service: JSONValue, _ endpoint: JSONValue, _ declaration: Declaration
    ) -> Bool {
        let instance = found.instance
        guard found.service.name == service["name"]?.string, "\(instance.host)" == endpoint["host"]?.string,
            Int64(instance.port) == endpoint["port"]?.integer
        else { return false }
        for (key, value) in ["group": service["group"]?.string, "uniqueid": service["uniqueId"]?.string] {
            if let value, (found.service[key] ?? declaration.standardQualifiers[key] ?? "") != value { return false }
        }
        func attribute(_ key: String) -> String? { instance.attributes.first { $0.key == key }?.value }
        if let version = (endpoint["version"] ?? service["version"])?.string,
            (found.service["version"] ?? declaration.standardQualifiers["version"] ?? attribute("version")) != version
        {
            return false
        }
        if let name = (endpoint["protocol"] ?? service["protocol"])?.string {
            let expected = endpoint["tls"]?.bool == true ? (name == "http" ? "https" : "tls") : name
            if found.service.protocol != expected { return false }
        }
        let weights = FormatDefaults(protocols: [], weight: declaration.standardWeight, labels: [])
        let weight = endpoint["weight"]?.integer.map { weights.relativeWeight(Double($0)) }
        if instance.weight != weight ?? Instance.defaultWeight { return false }
        if let zone = endpoint["zone"]?.string, instance.locality.zone != zone { return false }
        for member in endpoint["metadata"]?.object?.members ?? [] {
            if member.key == "application" || member.key == "appName" {
                if instance.application != member.value.string { return false }
            } else if attribute(member.key) != member.value.scalarText, member.key != "group" {
                return false
            }
        }
        return true
    }

    @Test("an entry without a port or an address is counted with its reason")
    func unusable() throws {
        let skyDNS = try #require(RecordedConvention.all.first { $0.name == "coredns-skydns-etcd" })
        let meanings = try skyDNS.entries().map { try skyDNS.decoder().decode($0) }
        #expect(meanings[2] == .unusable(service: "db.skydns.local", reason: "it has no port at 'port'"))
        #expect(meanings[3] == .instances([]), "a text record is no instance")
    }

    @Test("a layout without a lease's owner may leave lasting entries out")
    func lasting() throws {
        let endpoints = try #require(RecordedConvention.all.first { $0.name == "etcd-naming-endpoints" })
        var declaration = try endpoints.declaration()
        declaration.takesLasting = false
        let decoder = DeclarationDecoder(declaration, protocols: ProtocolDefaults.standard, keptAttributes: [])
        let counts = try endpoints.entries().map { entry in
            if case .instances(let instances) = decoder.decode(entry) { instances.count } else { -1 }
        }
        #expect(counts == [1, 0])
    }
}

import IsthmusTesting
import IstioAPI
import Services
import Testing

@testable import Translation

@Suite("hosts")
struct HostNamingTests {
    private let hosts = HostNaming(domain: "mesh", plainProtocols: ["dubbo", "http"])

    @Test(
        "a host says name, group, version, other qualifiers and protocol; a hash stands in for what a label can't say",
        arguments: Self.hosts)
    func golden(service: String, host: String) throws {
        let text = service.replacing("×", with: String(repeating: "x", count: 60))
        let id = try #require(ServiceID(text))
        #expect(hosts.host(of: id) == host)
    }

    @Test(
        "whatever a service is called, its host is valid and depends on nothing else",
        arguments: SeededGenerator.seeds(8))
    func valid(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let domain = String(repeating: "d", count: HostNaming.maximumDomainLength)
        let namings = [hosts, HostNaming(domain: domain, plainProtocols: ["tri"]), HostNaming(domain: "")]
        for _ in 0..<200 {
            let id = ServiceID.nasty(using: &random)
            for naming in namings {
                let (name, host) = (naming.objectName(of: id), naming.host(of: id))
                #expect(name.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { DNSName.isLabel($0) })
                #expect(DNSName.isSubdomain(host) && host.utf8.count <= 253, "\(id)")
                #expect(host == (naming.domain.isEmpty ? name : "\(name).\(naming.domain)"))
                #expect(naming.host(of: ServiceID("\(id)")!) == host)
                // A WorkloadEntry can be named after it.
                #expect(name.utf8.count <= 234)
            }
            #expect(namings[2].host(of: id).split(separator: ".").last?.contains { !$0.isNumber } == true)
        }
    }

    @Test("two services have one host only where they differ in case alone", arguments: SeededGenerator.seeds(16))
    func injective(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let others = ["scope", "namespace", "datacenter", "x", "g", "Scope"]
        func part(_ pieces: [String]) -> String {
            (0..<Int.random(in: 0...3, using: &random)).map { _ in pieces.randomElement(using: &random)! }.joined()
        }
        var owners: [String: ServiceID] = [:]
        for _ in 0..<4000 {
            let id = ServiceID(
                name: part(["a", "B", ".", "-", "g-", "v-1", ".p-tri", ".scope-a", ".x-a", "_"]),
                qualifiers: [
                    "protocol": ["dubbo", "tri", "rest"].randomElement(using: &random)!,
                    "group": part(["a", "A", "-", ".", "_"]), "version": part(["1", ".", "-", "a", "_"]),
                    others.randomElement(using: &random)!: part(["a", "-", "."]),
                ])!
            let other = owners.updateValue(id, forKey: hosts.host(of: id)) ?? id
            #expect(id.description.lowercased() == other.description.lowercased(), "\(id) \(other)")
        }
    }

    @Test("case makes no difference to the host, but to a hash")
    func letters() {
        let ids = ["com.acme.Orders", "com.acme.ORDERS"].map { ServiceID(name: $0, protocol: .tri, version: "1.0-RC1") }
        #expect(Set(ids.map { hosts.host(of: $0) }) == ["com.acme.orders.v-1-0--rc1.p-tri.mesh"])
        // The Kelvin sign is no letter of ASCII, though its lower case is one.
        #expect(hosts.host(of: ServiceID(name: "\u{212A}", protocol: .dubbo)).hasPrefix("x.h-"))
    }

    @Test("without a domain a host doesn't end in a number, which istiod takes for an address")
    func number() {
        let id = ServiceID(name: "10.1", protocol: .dubbo)
        #expect(hosts.host(of: id) == "10.1.mesh")
        #expect(HostNaming(domain: "", plainProtocols: ["dubbo"]).host(of: id).hasPrefix("10.1.h-"))
    }

    @Test("the hash is the same in every process and release")
    func hash() {
        #expect(StableHash.text(of: "", digits: 16) == "efd01f60ba992926")
        #expect(StableHash.text(of: "com.acme.Cart", digits: 10).utf8.count == 10)
    }
}

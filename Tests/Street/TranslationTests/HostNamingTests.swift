import IstioAPI
import Services
import Testing

@testable import Translation

@Suite("hosts")
struct HostNamingTests {
    @Test(
        "a host is the interface in lower case, with group and version as labels of their own",
        arguments: [
            (ServiceID(name: "org.apache.dubbo.demo.DemoService"), "org.apache.dubbo.demo.demoservice"),
            (ServiceID(name: "a.B", group: "Blue", version: "1.0.0"), "a.b.g-blue.v-1-0-0"),
            (ServiceID(name: "a.B", version: "1.0.0_beta"), "a.b.v-1-0-0-beta"),
            (ServiceID(name: "a.B$Inner"), "a.b-inner"),
            (ServiceID(name: "a.B", group: "a/b:c"), "a.b.g-a-b-c"), (ServiceID(name: "a..B."), "a.b"),
            (ServiceID(name: "a.g-x"), "a.i-g-x"), (ServiceID(name: "a.i-g-x"), "a.i-i-g-x"),
            (ServiceID(name: "a.1"), "a.i-1"),
            (ServiceID(name: "..."), "unnamed"), (ServiceID(name: "$"), "x"), (ServiceID(name: "Greeter"), "greeter"),
        ])
    func host(id: ServiceID, host: String) {
        #expect(HostNaming.host(of: id) == host)
    }

    @Test(
        "any other qualifier is a label of its own behind them, in the order of the keys",
        arguments: [
            (["scope": "east"], "a.b.scope-east"),
            (
                ["scope": "East", "namespace": "shop", "group": "g", "version": "1.0"],
                "a.b.g-g.v-1-0.namespace-shop.scope-east"
            ),
            (["p": "x"], "a.b.q-p-x"), (["Group": "x"], "a.b.group-x"), (["h-1": "x"], "a.b.q-h-1-x"),
            (["-": "1"], "a.b.q-1"), ([".p": "x"], "a.b.q-p-x"),
        ])
    func qualifiers(qualifiers: [String: String], host: String) {
        let naming = HostNaming.host(of: ServiceID(name: "a.B", qualifiers: qualifiers))
        #expect(naming == host)
        #expect(HostNaming.host(ofObject: HostNaming.qualifiedName(host: naming, protocol: "tri")) == naming)
        #expect(HostNaming.host(ofObject: naming) == naming)
    }

    @Test("long labels and hosts are shortened, with a hash of what was cut")
    func long() {
        let label = String(repeating: "x", count: 300)
        let names = ["a." + label, "a." + label + "y", Array(repeating: "abcdefghi", count: 30).joined(separator: ".")]
        let hosts = names.map { HostNaming.host(of: ServiceID(name: $0)) }
        #expect(Set(hosts).count == 3)
        for host in hosts { #expect(DNSName.isSubdomain(host) && host.utf8.count <= HostNaming.maximumLength) }
    }

    @Test("another attempt is another host, and leaves room for a protocol")
    func attempts() {
        for id in [ServiceID(name: "a.B"), ServiceID(name: String(repeating: "ab.", count: 200) + "c")] {
            let hosts = (0..<20).map { HostNaming.qualifiedHost(of: id, attempt: $0) }
            #expect(Set(hosts).count == 20)
            for host in hosts { #expect(DNSName.isSubdomain(HostNaming.qualifiedName(host: host, protocol: "dubbo"))) }
        }
    }

    @Test("the hash is the same in every process and release")
    func hash() {
        #expect(StableHash.text(of: "", digits: 16) == "efd01f60ba992926")
        #expect(StableHash.text(of: "com.acme.Cart", digits: 10).utf8.count == 10)
    }
}

import Addressing
import IsthmusTesting
import Services
import Testing

@Suite("who announces which endpoint")
struct EndpointAnnouncersTests {
    private static let hosts: [InstanceHost] = [
        .address(.v4(0x0A00_0001)), .address(.v4(0x0A00_0002)), .address(.v6(IPv6Bits(0x2001_0db8 << 96 | 7))),
        .name("cart.example.com"),
    ]

    @Test("its text is read back as it was", arguments: SeededGenerator.seeds(8))
    func inverse(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<50 {
            var announcers = EndpointAnnouncers()
            for host in Self.hosts {
                for port in [80, 20880] as [UInt16] where Bool.random(using: &random) {
                    let names = ["zk main", "nacos=1", "consul/+"].filter { _ in Bool.random(using: &random) }
                    if !names.isEmpty { announcers[Endpoint(host: host, port: port)] = names }
                }
            }
            #expect(EndpointAnnouncers(groups: announcers.groups) == announcers)
        }
    }

    @Test("endpoints stand sorted behind the registries that announce them")
    func text() {
        var announcers = EndpointAnnouncers()
        for host in Self.hosts.reversed() { announcers[Endpoint(host: host, port: 20880)] = ["zk", "nacos"] }
        announcers[Endpoint(host: Self.hosts[0], port: 80)] = ["zk"]
        #expect(
            announcers.groups == [
                "zk": "10.0.0.1:80",
                "zk,nacos": "10.0.0.1:20880 10.0.0.2:20880 [2001:db8::7]:20880 cart.example.com:20880",
            ])
    }

    @Test("text that is no endpoint is passed over")
    func garbage() {
        let groups = ["zk": "10.0.0.1 :1 x:0 10.0.0.1:99999 [::1:5 10.0.0.1:5", "": "10.0.0.2:5", ",": "10.0.0.3:5"]
        #expect(EndpointAnnouncers(groups: groups).groups == ["zk": "10.0.0.1:5"])
    }
}

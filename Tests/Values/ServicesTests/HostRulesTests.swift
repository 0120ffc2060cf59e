import Addressing
import Services
import Testing

@Suite("hosts of instances")
struct HostRulesTests {
    private let rules = HostRules(virtualBlock: CIDRBlock("240.16.0.0/12"))

    @Test(
        "an address is taken, and a name in lower case; an IPv4-mapped address is its IPv4",
        arguments: [
            ("10.1.0.1", "10.1.0.1"), ("2001:DB8::1", "2001:db8::1"), ("::ffff:10.1.0.1", "10.1.0.1"),
            ("Node-7.Acme.internal", "node-7.acme.internal"), ("node7", "node7"), ("240.15.255.255", "240.15.255.255"),
            ("fd00::1", "fd00::1"), ("126.0.0.1", "126.0.0.1"), ("localhost.acme.example", "localhost.acme.example"),
            ("1.2.3.4.example", "1.2.3.4.example"),
        ])
    func usable(text: String, host: String) throws {
        #expect(try rules.host(text).description == host)
    }

    @Test(
        "a host that no consumer can reach is refused for the reason that applies",
        arguments: [
            ("0.0.0.0", "stands for all addresses"), ("::", "stands for all addresses"),
            ("::ffff:0.0.0.0", "stands for all addresses"),
            ("127.0.0.1", "loopback"), ("127.255.0.9", "loopback"), ("::1", "loopback"),
            ("::ffff:127.0.0.1", "loopback"),
            ("169.254.7.7", "link-local"), ("fe80::5", "link-local"), ("febf::1", "link-local"),
            ("224.0.0.1", "multicast"), ("239.1.1.1", "multicast"), ("ff02::1", "multicast"),
            ("255.255.255.255", "broadcast"),
            ("240.16.0.1", "virtual addresses"), ("240.31.255.255", "virtual addresses"),
            ("::ffff:240.16.0.1", "virtual addresses"),
            ("localhost", "each consumer itself"), ("LOCALHOST", "each consumer itself"),
            ("a.localhost", "each consumer itself"),
            ("my_host", "is no host name"), ("-a.b", "is no host name"), ("a..b", "is no host name"),
            ("a b", "is no host name"), ("仓库", "is no host name"), ("", "is no"), ("fe80::1%eth0", "is no host name"),
            ("10.1.0.256", "is no IP address"), ("10.1", "is no IP address"), ("010.001.000.001", "is no IP address"),
            (String(repeating: "a", count: 64), "is no host name"), ("a.b.9", "is no host name"),
        ])
    func refused(text: String, reason: String) {
        let error = #expect(throws: UnreachableHost.self) { try rules.host(text) }
        #expect(error?.reason.contains(reason) == true, "\(error?.reason ?? "")")
    }

    @Test("where everything runs on one machine, loopback is taken; names can be refused altogether")
    func choices() throws {
        let local = HostRules(allowsLoopback: true)
        for host in ["127.0.0.1", "::1", "localhost"] { #expect(try local.host(host).description == host) }
        #expect(throws: UnreachableHost.self) { try local.host("169.254.0.1") }
        let strict = HostRules(allowsNames: false)
        let error = #expect(throws: UnreachableHost.self) { try strict.host("node7.example.com") }
        #expect(error?.reason.contains("translation.hostNames") == true)
        #expect(try strict.host("10.0.0.1") == .address(.v4(0x0A00_0001)))
    }
}

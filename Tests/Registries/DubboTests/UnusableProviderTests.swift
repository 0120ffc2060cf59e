import Dubbo
import Services
import Testing

@Suite("providers that can't be carried into the mesh")
struct UnusableProviderTests {
    private let decoder = ProviderDecoder(keptParameters: [])

    private func decode(node: String) -> ProviderDecoder.Outcome {
        decoder.decode(node: node, interface: ProviderURLTests.interface)
    }

    private func expectUnusable(_ outcome: ProviderDecoder.Outcome, because part: String) {
        guard case .unusable(let provider) = outcome else {
            Issue.record("it is \(outcome)")
            return
        }
        let reason = provider.reason
        #expect(reason.contains(part))
        #expect(reason.utf8.count < 500)
    }

    @Test(
        "each is refused with its reason",
        arguments: [
            ("", "'://'"), ("garbage", "'://'"), ("dubbo:", "'://'"), ("dubbo:/10.0.0.1:1", "'://'"),
            ("://10.0.0.1:1", "'://'"),
            ("?dubbo://10.0.0.1:1", "'://'"), ("dubbo://", "no host"), ("dubbo:///x", "no host"),
            ("dubbo://:20880/x", "no host"), ("dubbo://10.0.0.1/x", "no port"), ("dubbo://10.0.0.1:/x", "no port"),
            ("dubbo://[::1]/x", "no port"), ("dubbo://[::1]20880/x", "no port"),
            ("dubbo://[::1:20880/x", "without ']'"),
            ("dubbo://10.0.0.1:0/x", "not a port"), ("dubbo://10.0.0.1:65536/x", "not a port"),
            ("dubbo://10.0.0.1:+5/x", "not a port"), ("dubbo://10.0.0.1:-5/x", "not a port"),
            ("dubbo://10.0.0.1:abc/x", "not a port"), ("dubbo://10.0.0.1: 5/x", "not a port"),
            ("hessian://10.0.0.1:1/x", "dubbo, tri, rest, grpc"), ("dubbo ://10.0.0.1:1/x", "protocol"),
            ("dubbo://-shop.example.com:20880/x", "is no host name"),
            ("dubbo://shop..com:20880/x", "is no host name"),
            ("dubbo://sh_op:20880/x", "is no host name"),
            ("dubbo://fe80::1%eth0:20880/x", "is no host name"),
            ("dubbo://0.0.0.0:20880/x?ipv6=::", "stands for all addresses"),
            ("dubbo://999.0.0.1:20880/x", "is no IP address"),
            ("dubbo://0.0.0.0:20880/x", "stands for all addresses"),
            ("dubbo://[::]:20880/x", "stands for all addresses"), ("dubbo://224.0.0.1:20880/x", "multicast"),
            ("dubbo://10.0.0.1:1/x?weight=heavy", "'heavy'"), ("dubbo://10.0.0.1:1/x?weight=1.5", "'1.5'"),
            ("dubbo://10.0.0.1:1/x?interface=com.acme.Other", "com.acme.Other"),
        ])
    func reasons(url: String, part: String) {
        expectUnusable(decode(node: url.formEncoded), because: part)
    }

    @Test(
        "broken percent-encoding is no crash and no guess",
        arguments: [
            "dubbo%3A%2F%2F10.0.0.1%3A1%", "dubbo%3A%2F%2F10.0.0.1%3A1%2", "dubbo%3A%2F%2F10.0.0.1%3A1%zz", "%", "%G0",
        ])
    func brokenPercent(node: String) {
        expectUnusable(decode(node: node), because: "hexadecimal")
    }

    @Test("what is not UTF-8 is refused, wherever it stands")
    func notUTF8() {
        expectUnusable(decode(node: "dubbo%3A%2F%2F10.0.0.1%3A1%2Fx%3Fa%3D%FF"), because: "UTF-8")
        expectUnusable(decode(node: "%FF%3A%2F%2F10.0.0.1%3A1"), because: "protocol")
        expectUnusable(decode(node: "dubbo%3A%2F%2F%FF%3A1"), because: "no host")
    }

    @Test("a URL of a megabyte is refused unread")
    func huge() {
        let url = "dubbo://10.0.0.1:20880/x?a=" + String(repeating: "b", count: 1 << 20)
        expectUnusable(decode(node: url.formEncoded), because: "bytes")
    }

    @Test("a reason never carries the user's password")
    func secrets() {
        for url in [
            "dubbo://user:secret@ho_st:1/x", "dubbo://user:secret@:1/x", "dubbo://user:se/cret@10.0.0.1:1/x",
            "nope://user:secret@10.0.0.1:1/x",
        ] {
            guard case .unusable(let provider) = decode(node: url.formEncoded) else {
                Issue.record("\(url) is used")
                continue
            }
            #expect(!provider.reason.contains("secret"))
        }
    }

    @Test(
        "what is no provider is ignored, not counted as broken",
        arguments: [
            "empty://0.0.0.0/x?category=providers", "empty://10.0.0.1:0/x", "consumer://10.0.0.9/x?category=consumers",
            "consumer://10.0.0.9:0/x", "dubbo://10.0.0.1:20880/x?side=consumer",
            "override://0.0.0.0/x?category=configurators&weight=5", "route://0.0.0.0/x?category=routers",
        ])
    func ignored(url: String) {
        #expect(decode(node: url.formEncoded) == .ignored)
    }

    @Test(
        "Dubbo's own interfaces are ignored",
        arguments: [
            "org.apache.dubbo.metadata.MetadataService", "com.alibaba.dubbo.monitor.MonitorService",
            "org.apache.dubbo.registry.RegistryService", "org.apache.dubbo.mock.api.MockService",
        ])
    func internalInterfaces(interface: String) {
        #expect(decoder.decode(node: "dubbo://10.0.0.1:20880/x".formEncoded, interface: interface) == .ignored)
    }

    @Test(
        "a directory's name is the interface, encoded once",
        arguments: [
            ("com.acme.Cart", "com.acme.Cart"), ("com.acme.Cart%24Inner", "com.acme.Cart$Inner"),
            ("com.acme.Cart$Inner", "com.acme.Cart$Inner"), ("com.acme.%E4%BB%93", "com.acme.仓"), ("", nil),
            ("a%2Fb", nil), ("com.acme.Cart%2524Inner", nil), (String(repeating: "%25", count: 200) + "10", nil),
            ("a%3Ab", nil), ("a+b", nil), ("a%0Ab", nil), ("a%", nil), ("%FF", nil),
        ] as [(String, String?)])
    func directories(directory: String, interface: String?) {
        #expect(ProviderDecoder.interface(directory: directory) == interface)
    }
}

@Suite("A provider in logs")
struct ProviderInLogsTests {
    @Test(
        "neither user, password nor parameters",
        arguments: [
            ("dubbo%3A%2F%2F10.0.0.1%3A20880%2Fa.B%3Ftoken%3Dsecret", "dubbo://10.0.0.1:20880/a.B"),
            ("dubbo%3A%2F%2Fme%3Asecret%4010.0.0.1%3A20880%2Fa.B%3Fk%3Dv", "dubbo://…@10.0.0.1:20880/a.B"),
            ("dubbo%3A%2F%2Fme%3Ase%3Fcret%4010.0.0.1%3A20880%2Fa.B", "dubbo://…"),
            ("100%secret", "100"),
        ])
    func withoutSecrets(node: String, shown: String) {
        #expect(ProviderDecoder.withoutSecrets(node: node) == shown)
    }
}

import Addressing
import Dubbo
import Services
import Testing

@Suite("provider URLs")
struct ProviderURLTests {
    static let interface = "org.apache.dubbo.demo.DemoService"
    private let decoder = ProviderDecoder(
        keptParameters: ["region", "version"], hosts: HostRules(allowsLoopback: true))

    /// The URL as a registry has it, `java.net.URLEncoder`'s way.
    private func decode(_ url: String) -> ProviderDecoder.Outcome {
        decoder.decode(node: url.formEncoded, interface: Self.interface)
    }

    private func instance(_ url: String) throws -> (ServiceID, Instance) {
        let outcome = decode(url)
        guard case .provider(let provider) = outcome, let id = provider.services.first else {
            Issue.record("\(url) is \(outcome)")
            throw CancellationError()
        }
        return (id, provider.instance)
    }

    @Test("a Java provider's URL")
    func java() throws {
        let (id, instance) = try instance(
            "dubbo://10.1.0.1:20880/org.apache.dubbo.demo.DemoService?anyhost=true&application=demo-provider"
                + "&category=providers&deprecated=false&dubbo=2.0.2&dynamic=true&generic=false"
                + "&interface=org.apache.dubbo.demo.DemoService&methods=sayHello,sayHelloAsync&pid=1&region=eu"
                + "&release=3.3.0&service-name-mapping=true&side=provider&timestamp=1700000000000")
        #expect(id == ServiceID(name: Self.interface, protocol: .dubbo))
        #expect(
            instance
                == Instance(
                    host: .address(.v4(0x0A01_0001)), port: 20880, application: "demo-provider",
                    attributes: [.init(key: "region", value: "eu")], locality: Locality(region: "eu")))
    }

    @Test("the Python SDK names its interface in neither path nor parameter")
    func python() {
        let node = "tri%3A%2F%2F127.0.0.1%3A20880%3Fservice%3Dorg.apache.dubbo.demo.DemoService"
        let expected = Instance(host: .address(.v4(0x7F00_0001)), port: 20880)
        #expect(
            decoder.decode(node: node, interface: Self.interface)
                == .provider(
                    Provider(services: [.init(name: Self.interface, protocol: .tri)], instance: expected)))
    }

    @Test("one port may serve several protocols: each of them is a service, and those that are unknown are told")
    func severalProtocols() throws {
        let url = "dubbo://10.0.0.1:20880/x?ext.protocol=tri, DUBBO,qotm,&group=g&preferred.protocol=tri"
        guard case .provider(let provider) = decoder.decode(node: url.formEncoded, interface: Self.interface) else {
            Issue.record("not read")
            return
        }
        #expect(
            provider.services == [
                ServiceID(name: Self.interface, protocol: .dubbo, group: "g"),
                ServiceID(name: Self.interface, protocol: .tri, group: "g"),
            ])
        #expect(provider.otherProtocols == ["qotm"])
        #expect(provider.leftOut == [.ofProtocol("qotm")])
    }

    @Test("a protocol that is not carried does not keep the others at its port from being carried")
    func unknownFirst() throws {
        let url = "rest2://10.0.0.1:8081/x?ext.protocol=tri"
        guard case .provider(let provider) = decoder.decode(node: url.formEncoded, interface: Self.interface) else {
            Issue.record("not read")
            return
        }
        #expect(provider.services == [ServiceID(name: Self.interface, protocol: .tri)])
        #expect(provider.otherProtocols == ["rest2"])
    }

    @Test("percent-encoding is read in either case, and '+' is a space")
    func encoding() throws {
        let node = "dubbo%3a%2f%2F10.0.0.1%3A20880%2Fx%3Fapplication%3Da+b%C3%A9"
        guard case .provider(let provider) = decoder.decode(node: node, interface: Self.interface) else {
            Issue.record("not read")
            return
        }
        #expect(provider.instance.application == "a bé")
    }

    @Test("a URL that was encoded twice is decoded twice")
    func encodedTwice() throws {
        let url = "dubbo://10.0.0.1:20880/x?application=a b&version=1.0"
        let once = decoder.decode(node: url.formEncoded, interface: Self.interface)
        #expect(decoder.decode(node: url.formEncoded.formEncoded, interface: Self.interface) == once)
        #expect(decoder.decode(node: url, interface: Self.interface) == once)
    }

    @Test("a simplified URL has little more than the address")
    func simplified() throws {
        let (id, instance) = try instance(
            "dubbo://10.0.0.1:20880/org.apache.dubbo.demo.DemoService?application=a&group=g&release=3.2.0&timestamp=5")
        #expect(id == ServiceID(name: Self.interface, protocol: .dubbo, group: "g"))
        #expect(instance.application == "a" && instance.weight == 100)
    }

    @Test(
        "the scheme of a URL says which service it is of, whatever its case",
        arguments: [("dubbo", .dubbo), ("tri", .tri), ("rest", .rest), ("grpc", .grpc), ("DUBBO", .dubbo)]
            as [(String, PortProtocol)])
    func schemes(scheme: String, expected: PortProtocol) throws {
        #expect(try instance("\(scheme)://10.0.0.1:1").0 == ServiceID(name: Self.interface, protocol: expected))
    }

    @Test(
        "host and port are found in every form of URL",
        arguments: [
            ("dubbo://10.0.0.1:20880", "10.0.0.1", 20880), ("dubbo://10.0.0.1:20880/", "10.0.0.1", 20880),
            ("dubbo://10.0.0.1:20880?side=provider", "10.0.0.1", 20880),
            ("dubbo://10.0.0.1:20880/context/path/org.apache.dubbo.demo.DemoService?x=y", "10.0.0.1", 20880),
            ("dubbo://user:secret@10.0.0.1:20880/x", "10.0.0.1", 20880),
            ("dubbo://user@10.0.0.1:65535/x", "10.0.0.1", 65535),
            ("dubbo://user:p@ss:word@10.0.0.1:1/x", "10.0.0.1", 1),
            ("dubbo://[2001:db8::1]:20880/x", "2001:db8::1", 20880),
            ("dubbo://2001:db8::1:20880/x", "2001:db8::1", 20880),
            ("dubbo://user:secret@[::1]:20880/x", "::1", 20880),
            ("dubbo://2001:DB8:0:0:0:0:0:1:20880/x", "2001:db8::1", 20880),
            ("dubbo://10.0.0.1:20880/x?host=10.9.9.9:1", "10.0.0.1", 20880),
            ("dubbo://Shop-1.Example.com:20880/x", "shop-1.example.com", 20880), ("dubbo://node7:1/x", "node7", 1),
            ("dubbo://0.0.0.0:20880/x?ipv6=2001:db8::7", "2001:db8::7", 20880),
            ("dubbo://10.0.0.1:20880/x?ipv6=2001:db8::7", "10.0.0.1", 20880),
            ("dubbo://10.0.0.1:20880/a@b:7/x?c=d@e:8", "10.0.0.1", 20880),
        ] as [(String, String, UInt16)])
    func hostAndPort(url: String, host: String, port: UInt16) throws {
        let instance = try instance(url).1
        #expect("\(instance.host)" == host)
        #expect(instance.port == port)
    }

    @Test(
        "group and version set services apart; 0.0.0 is no version, an empty value is none",
        arguments: [
            ("group=blue", "blue", ""), ("version=1.0.0", "", "1.0.0"), ("version=0.0.0", "", ""),
            ("group=&version=", "", ""), ("group=a/b&version=1:2", "a/b", "1:2"), ("default.group=blue", "blue", ""),
            ("default.version=1&version=2", "", "2"), ("group=a&group=b", "b", ""), ("version=1;group=b", "b", "1"),
            ("default.version=1&version=", "", ""), ("group", "", ""), ("=x&&group=c&", "c", ""),
        ])
    func identity(query: String, group: String, version: String) throws {
        let id = try instance("dubbo://10.0.0.1:20880/x?\(query)").0
        #expect(id == ServiceID(name: Self.interface, protocol: .dubbo, group: group, version: version))
    }

    @Test(
        "an instance that wants no traffic is disabled",
        arguments: [
            ("", true, 100), ("disabled=true", false, 100), ("disabled=TRUE", false, 100),
            ("disabled=false", true, 100),
            ("enabled=false", false, 100), ("enabled=False", false, 100), ("enabled=true", true, 100),
            ("weight=0", false, 0), ("weight=-5", false, 0), ("weight=7", true, 7), ("default.weight=8", true, 8),
            ("weight=9&default.weight=8", true, 9), ("weight=", true, 100), ("weight=99999999999", true, UInt32.max),
        ] as [(String, Bool, UInt32)])
    func enabled(query: String, isEnabled: Bool, weight: UInt32) throws {
        let instance = try instance("dubbo://10.0.0.1:20880/x?\(query)").1
        #expect(instance.isEnabled == isEnabled)
        #expect(instance.weight == weight)
    }

    @Test("region and zone, where they are kept, are the locality")
    func locality() throws {
        let node = "dubbo://10.0.0.1:1/x?zone=a&region=eu/west".formEncoded
        let expected: [([String], Locality)] = [
            (["region", "zone"], Locality(region: "eu/west", zone: "a")), (["zone"], Locality(zone: "a")),
            ([], .unknown),
        ]
        for (kept, locality) in expected {
            guard
                case .provider(let provider) = ProviderDecoder(keptParameters: kept).decode(
                    node: node, interface: Self.interface)
            else {
                Issue.record("not read")
                return
            }
            #expect(provider.instance.locality == locality)
        }
    }

    @Test("kept parameters are sorted and the others dropped")
    func attributes() throws {
        let instance = try instance("dubbo://10.0.0.1:1/x?version=1&pid=7&region=eu&token=secret").1
        #expect(instance.attributes == [.init(key: "region", value: "eu"), .init(key: "version", value: "1")])
    }
}

extension String {
    /// As `java.net.URLEncoder` encodes it.
    var formEncoded: String {
        utf8.reduce(into: "") { text, byte in
            switch byte {
            case UInt8(ascii: " "): text += "+"
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "*"),
                UInt8(ascii: "_"):
                text.unicodeScalars.append(Unicode.Scalar(byte))
            default: text += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
    }
}

import Dubbo
import IstioAPI
import Services
import Testing

@Suite("what Dubbo takes for granted")
struct FormatDefaultsTests {
    @Test(
        "each protocol has the port name that istiod reads its kind from, and a default port",
        arguments: [
            ("dubbo", "tcp-dubbo", .tcp, 20880), ("tri", "grpc-tri", .grpc, 50051), ("rest", "http-rest", .http, 80),
            ("grpc", "grpc", .grpc, 50051),
        ] as [(String, String, IstioProtocol, UInt16)])
    func protocols(scheme: String, portName: String, istioProtocol: IstioProtocol, port: UInt16) throws {
        let defaults = try #require(FormatDefaults.dubbo.protocols.first { $0.scheme == scheme })
        #expect(defaults.port == port)
        #expect(defaults.portProtocol.name == scheme)
        #expect(defaults.portProtocol.portName == portName)
        #expect(defaults.portProtocol.istioProtocol == istioProtocol)
        #expect(FormatDefaults.dubbo.portProtocol(scheme: scheme) == defaults.portProtocol)
    }

    @Test("no two protocols share a name, and the plain one is Dubbo's own")
    func distinct() {
        let protocols = FormatDefaults.dubbo.protocols
        #expect(Set(protocols.map(\.portProtocol)).count == protocols.count)
        #expect(protocols.filter(\.isPlain).map(\.portProtocol) == [.dubbo])
    }
}

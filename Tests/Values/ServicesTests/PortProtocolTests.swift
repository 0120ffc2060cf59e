import IstioAPI
import Services
import Testing

@Suite("protocols of ports")
struct PortProtocolTests {
    @Test("a protocol is its name and what it is to Istio")
    func identity() {
        let chat = PortProtocol("chat", .tcp)
        #expect(chat == PortProtocol("chat", .tcp))
        #expect(chat != PortProtocol("chat", .http) && chat != PortProtocol("chart", .tcp))
        #expect(chat.name == "chat" && chat.istioProtocol == .tcp)
        #expect(MemoryLayout<Instance>.stride == 40)
    }

    @Test(
        "a port's name begins with the protocol that istiod reads there, once",
        arguments: [
            ("chat", .tcp, "tcp-chat"), ("chat", .http2, "http2-chat"), ("grpc", .grpc, "grpc"), ("tcp", .tcp, "tcp"),
            ("http", .http, "http"), ("grpc", .http2, "http2-grpc"), ("redis", .redis, "redis"), ("x", .tls, "tls-x"),
        ] as [(String, IstioProtocol, String)])
    func portName(name: String, istioProtocol: IstioProtocol, portName: String) {
        #expect(PortProtocol(name, istioProtocol).portName == portName)
    }

    @Test("protocols are sorted by name")
    func order() {
        let names = ["order-c", "order-a", "order-d", "order-b"]
        #expect(names.map { PortProtocol($0, .tcp) }.sorted().map(\.name) == names.sorted())
        #expect(PortProtocol("order-a", .grpc) < PortProtocol("order-a", .http))
    }

    @Test("each protocol that Istio knows has its usual port; a service of plain TCP has that of its instances")
    func standard() {
        let ports = Dictionary(uniqueKeysWithValues: ProtocolDefaults.standard.map { ($0.portProtocol.name, $0.port) })
        #expect(
            ports == [
                "http": 80, "http2": 80, "https": 443, "grpc": 50051, "tls": 443, "mongo": 27017, "mysql": 3306,
                "redis": 6379, "tcp": nil,
            ])
    }

    @Test("what several formats bring is added up; where they differ, the first one counts")
    func formats() {
        let chat = ProtocolDefaults(PortProtocol("chat", .tcp), scheme: "chat", port: 1)
        let other = ProtocolDefaults(PortProtocol("chat", .http), scheme: "chat", port: 2)
        let mail = ProtocolDefaults(PortProtocol("mail", .tcp), scheme: "mail", port: 3)
        let formats = [
            FormatDefaults(protocols: [chat], weight: 1, labels: ["a", "b"]),
            FormatDefaults(protocols: [mail, other], weight: 100, labels: ["b", "c"]),
        ]
        #expect(formats.protocols == [chat, mail] + ProtocolDefaults.standard)
        #expect(formats.labels == ["a", "b", "c"])
    }

    @Test(
        "a weight is relative to its format's default, and only 0 becomes 0",
        arguments: [
            (100, 100, 100), (100, 7, 7), (100, 0, 0), (100, -5, 0), (1, 1, 100), (1, 0.5, 50), (1, 0.001, 1),
            (1, 10_000, 1_000_000), (100, 1e300, .max), (100, 99_999_999_999, .max), (10, 25, 250), (1, .nan, 0),
        ] as [(UInt32, Double, UInt32)])
    func weights(standard: UInt32, weight: Double, relative: UInt32) {
        let format = FormatDefaults(protocols: [], weight: standard, labels: [])
        #expect(format.relativeWeight(weight) == relative)
    }
}

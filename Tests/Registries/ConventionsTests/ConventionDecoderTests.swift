import Addressing
import IstioAPI
import Services
import Testing

@testable import Conventions

@Suite("what frameworks register by application")
struct ConventionDecoderTests {
    private static func lines(
        of service: String = "cart", weight: Double = 1, port: Int = 8080, host: String = "10.0.0.1",
        standard: PortProtocol = .http, _ metadata: [String: String] = [:]
    ) -> [String] {
        var policy = ConventionPolicy(protocols: ProtocolDefaults.standard, standardWeight: 1)
        policy.standardProtocol = standard
        let decoder = ConventionDecoder(policy: policy, keptAttributes: ["version", "zone"])
        let outcome = decoder.decode(
            Registration(service: service, host: host, port: port, weight: weight, metadata: metadata))
        switch outcome {
        case .served(let served):
            return served.map { served in
                "\(served.portProtocol)://\(served.name) \(served.instance.host):\(served.instance.port) "
                    + "\(served.instance.wantsTraffic ? served.instance.weight : 0)"
            }
        case .ignored: return ["ignored"]
        case .unusable(let reason), .otherProtocol(_, let reason): return [reason]
        }
    }

    @Test("Spring Cloud serves HTTP, or HTTPS where it is secure, and gRPC at a port of its own")
    func springCloud() {
        let source = ["preserved.register.source": "SPRING_CLOUD"]
        #expect(Self.lines(standard: .tcp, source) == ["http://cart 10.0.0.1:8080 100"])
        #expect(Self.lines(standard: .tcp, ["secure": "false"]) == ["http://cart 10.0.0.1:8080 100"])
        #expect(Self.lines(standard: .tcp, ["secure": "true"]) == ["https://cart 10.0.0.1:8080 100"])
        for key in ["gRPC_port", "gRPC.port"] {
            #expect(
                Self.lines(source.merging([key: "9090"]) { $1 })
                    == ["http://cart 10.0.0.1:8080 100", "grpc://cart 10.0.0.1:9090 100"])
            for port in ["-1", "0", "65536", "x"] {
                #expect(Self.lines(source.merging([key: port]) { $1 }) == ["http://cart 10.0.0.1:8080 100"])
            }
        }
    }

    @Test("the port of an application's management serves no consumer")
    func management() {
        #expect(Self.lines(port: 8081, ["management.port": "8081"]) == ["ignored"])
        #expect(Self.lines(port: 8080, ["management.port": "8081"]) == ["http://cart 10.0.0.1:8080 100"])
    }

    @Test("go-kratos registers each server under the name and the kind, with a weight of 100")
    func kratos() {
        #expect(
            Self.lines(of: "cart.grpc", weight: 100, ["kind": "grpc"]) == ["grpc://cart 10.0.0.1:8080 100"])
        #expect(Self.lines(of: "cart.http", weight: 50, ["kind": "http"]) == ["http://cart 10.0.0.1:8080 50"])
        // Not everything that is called like that is of go-kratos.
        #expect(Self.lines(of: "cart.grpc") == ["http://cart.grpc 10.0.0.1:8080 100"])
        #expect(Self.lines(of: "cart.grpc", ["kind": "http"]) == ["http://cart.grpc 10.0.0.1:8080 100"])
        #expect(Self.lines(of: ".grpc", ["kind": "grpc"]) == ["http://.grpc 10.0.0.1:8080 100"])
        #expect(ConventionDecoder.names(of: "cart.grpc") == ["cart.grpc", "cart"])
        #expect(ConventionDecoder.names(of: "cart") == ["cart"])
    }

    @Test("everything else has the protocol that its metadata names, or the registry's")
    func others() {
        #expect(Self.lines(standard: .tcp) == ["tcp://cart 10.0.0.1:8080 100"])
        #expect(Self.lines(["protocol": "gRPC"]) == ["grpc://cart 10.0.0.1:8080 100"])
        #expect(Self.lines(["protocol": "h2c"]) == ["http2://cart 10.0.0.1:8080 100"])
        #expect(
            Self.lines(["protocol": "carrier-pigeon"]) == [
                "the protocol 'carrier-pigeon' in its metadata 'protocol' is none of "
                    + "http, http2, https, grpc, tls, mongo, mysql, redis, tcp"
            ])
    }

    @Test("weights are relative to the registry's standard, and only 0 is none")
    func weights() {
        #expect(Self.lines(weight: 2.5) == ["http://cart 10.0.0.1:8080 250"])
        #expect(Self.lines(weight: 0.001) == ["http://cart 10.0.0.1:8080 1"])
        #expect(Self.lines(weight: 10_000) == ["http://cart 10.0.0.1:8080 1000000"])
        #expect(Self.lines(weight: 0) == ["http://cart 10.0.0.1:8080 0"])
        #expect(Self.lines(weight: -1) == ["http://cart 10.0.0.1:8080 0"])
        #expect(Self.lines(weight: .nan) == ["http://cart 10.0.0.1:8080 0"])
    }

    @Test("an address that leads nowhere is told of")
    func addresses() {
        #expect(Self.lines(port: 0) == ["'0' is not a port from 1 to 65535"])
        #expect(Self.lines(host: "127.0.0.1") == ["the host '127.0.0.1' is a loopback address: each consumer itself"])
        #expect(Self.lines(host: "fd00::1") == ["http://cart fd00::1:8080 100"])
        #expect(Self.lines(host: "cart-1.acme.internal") == ["http://cart cart-1.acme.internal:8080 100"])
    }

    @Test("kept metadata becomes attributes, and the name is the application")
    func attributes() {
        let decoder = ConventionDecoder(
            policy: ConventionPolicy(protocols: [], standardWeight: 1), keptAttributes: ["zone", "version"])
        let outcome = decoder.decode(
            Registration(
                service: "cart", host: "10.0.0.1", port: 80, weight: 1,
                metadata: ["version": "1.2", "zone": "a", "pid": "7", "region": ""]))
        guard case .served(let served) = outcome else {
            Issue.record("it is served")
            return
        }
        #expect(served[0].instance.application == "cart")
        #expect(served[0].instance.attributes.map(\.key) == ["version", "zone"])
        #expect(served[0].instance.locality == Locality(zone: "a"))
    }
}

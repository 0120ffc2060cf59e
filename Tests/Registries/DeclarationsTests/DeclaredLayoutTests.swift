import IstioAPI
import Services
import Settings
import Testing

@testable import Declarations

@Suite("layouts in a configuration")
struct DeclaredLayoutTests {
    private static func layouts(_ text: String) throws(ConfigurationError) -> [DeclaredLayout] {
        let section = try ConfigurationSection(text, file: "isthmus.yaml")
        try section.check([ConfigurationKey("layouts", .list(of: DeclaredLayout.keys), "layouts")])
        return try DeclaredLayout.layouts(section, "layouts")
    }

    @Test("a preset needs nothing else, and every key changes a part of it")
    func preset() throws {
        let layouts = try Self.layouts(
            """
            layouts:
              - preset: kratos
              - preset: kratos
                root: /ours
                protocol: grpc
                defaultWeight: 10
                services: { include: [a*] }
            """)
        #expect(layouts[0].declaration == .kratos)
        #expect(layouts.beginnings == ["/microservices/", "/ours/"])
        #expect(layouts[1].declaration.standardWeight == 10)
        #expect(layouts[1].services.includes("abc") && !layouts[1].services.includes("b"))
    }

    @Test("a home-made layout is declared as a whole")
    func homeMade() throws {
        let layout = try #require(
            Self.layouts(
                """
                layouts:
                  - root: /registry
                    key: /{env}/{service}/{id}
                    value: [base64, json]
                    endpoints: nodes[]
                    address: ip
                    port: port
                    protocolField: proto
                    protocols: [mine = tcp]
                    protocol: http
                    weight: w
                    defaultWeight: 10
                    zeroWeight: default
                    version: value.version
                    labels: [meta, zone = dc]
                    qualifiers: [env = key.env]
                    where: [kind ?= node]
                    enabled: [state = up]
                    lasting: leaveOut
                    sides:
                      - { key: "/{env}/weights/{address}", weight: value }
                """
            ).first)
        let decoder = DeclarationDecoder(
            layout.declaration, protocols: ProtocolDefaults.standard, keptAttributes: ["version", "zone", "x"])
        // {"version":"2","nodes":[{"ip":"10.0.0.1","port":80,"w":0,"meta":{"x":"y"},"dc":"z1","state":"up"}]}
        let value =
            "eyJ2ZXJzaW9uIjoiMiIsIm5vZGVzIjpbeyJpcCI6IjEwLjAuMC4xIiwicG9ydCI6ODAsInciOjAsIm1ldGEiOnsieCI6InkifSwiZGMi"
            + "OiJ6MSIsInN0YXRlIjoidXAifV19"
        let meaning = decoder.decode(DeclaredEntry(key: "/registry/prod/cart/1", value: Array(value.utf8)))
        guard case .instances(let instances) = meaning, let found = instances.first else {
            Issue.record("\(meaning)")
            return
        }
        #expect(found.service == ServiceID(name: "cart", qualifiers: ["env": "prod", "protocol": "http"]))
        #expect(found.instance.wantsTraffic)
        #expect(found.instance.weight == 100)
        #expect(found.instance.attributes.map { "\($0.key)=\($0.value)" } == ["version=2", "x=y", "zone=z1"])
        #expect(layout.beginnings == ["/registry/"])
    }

    @Test("a layout with prefixes leaves the keys of others alone")
    func prefixes() throws {
        let decoders = try Self.layouts(
            """
            layouts:
              - { preset: go-zero, prefixes: [user.rpc/] }
              - preset: etcd-endpoints
                root: svc/
                key: "{service}/{id}"
            """
        ).decoders(protocols: ProtocolDefaults.standard, keptAttributes: [], hosts: HostRules())
        let entry = DeclaredEntry(key: "svc/echo/1", value: Array(#"{"Addr":"10.0.0.1:80"}"#.utf8))
        #expect(decoders[0].decode(entry) == .unrelated)
        guard case .instances(let instances) = decoders[1].decode(entry) else {
            Issue.record("it is of the second layout")
            return
        }
        #expect(instances.map(\.service.name) == ["echo"])
    }

    @Test(
        "a layout that can't be meant is an error that says where and why",
        arguments: [
            ("preset: kratoss", "must be"), ("root: /a", "'layouts[0].key': is needed where there is no preset"),
            ("key: \"/{service}/{id}\"", "'layouts[0].address': is needed where there is no preset"),
            ("{key: \"/{id}\", address: a}", "has no '{service}', and 'service' names no path to it"),
            ("preset: go-zero", "name their beginnings at 'prefixes'"),
            ("{preset: kratos, port: \"a[\"}", "a '[' of 'a[' has no ']'"),
            ("{preset: kratos, value: [json, hex]}", "'json' must be the last decoding"),
            ("{preset: kratos, value: [b64]}", "'b64' is no decoding"),
            ("{preset: kratos, protocols: [x]}", "is not 'name = protocol'"),
            ("{preset: kratos, qualifiers: [x]}", "is not 'name = path'"),
            ("{preset: kratos, prot: x}", "unknown key 'layouts[0].prot'"),
        ])
    func errors(text: String, message: String) {
        let error = #expect(throws: ConfigurationError.self) {
            try Self.layouts("layouts:\n  - \(text)\n")
        }
        #expect(error?.description.contains(message) == true, "\(error?.description ?? "")")
        #expect(error?.description.contains("isthmus.yaml:2:") == true, "\(error?.description ?? "")")
    }
}

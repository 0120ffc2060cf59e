import Addressing
import IsthmusTesting
import IstioAPI
import JSON
import Services
import Translation

extension Instance {
    /// 10.0.0.`host`:20880 unless said otherwise.
    static func sample(
        _ host: UInt8, port: UInt16 = 20880, weight: UInt32 = 100,
        isEnabled: Bool = true, application: String = "", attributes: [String: String] = [:]
    ) -> Instance {
        let attributes = attributes.map { Attribute(key: $0.key, value: $0.value) }.sorted()
        return Instance(
            host: .address(.v4(0x0A00_0000 | UInt32(host))), port: port, weight: weight,
            isEnabled: isEnabled, application: application, attributes: attributes,
            locality: Locality(attributes: attributes))
    }

    static func random(using random: inout SeededGenerator) -> Instance {
        .sample(
            .random(in: 1...50, using: &random), port: .random(in: 1...UInt16.max, using: &random),
            weight: [0, 1, 100, 100, .max].randomElement(using: &random)!, isEnabled: .random(using: &random),
            application: .nasty(using: &random),
            attributes: [
                "version": .nasty(using: &random), "region": .nasty(using: &random), "zone": .nasty(using: &random),
            ])
    }
}

extension PortProtocol {
    static let dubbo = PortProtocol("dubbo", .tcp)
    static let tri = PortProtocol("tri", .grpc)
    static let rest = PortProtocol("rest", .http)
    static let samples = [dubbo, tri, rest, grpc]
}

extension FormatDefaults {
    static let sample = FormatDefaults(
        protocols: [
            ProtocolDefaults(.dubbo, scheme: "dubbo", port: 20880, isPlain: true),
            ProtocolDefaults(.tri, scheme: "tri", port: 50051),
            ProtocolDefaults(.rest, scheme: "rest", port: 80),
        ],
        weight: 100,
        labels: ["version", "dubbo.tag", "region", "zone"])
}

extension TranslationPolicy {
    /// With the sample format.
    init(
        instance: String = "main", namespace: String, domain: String = "mesh",
        addresses: AddressPolicy = .block(defaultBlock),
        keptLabels: [String] = FormatDefaults.sample.labels, endpoints: EndpointPolicy = .auto,
        inlineLimit: InlineLimit = InlineLimit(), allowedHosts: [String] = []
    ) {
        self.init(
            instance: instance, namespace: namespace, formats: [.sample], domain: domain, addresses: addresses,
            endpoints: endpoints,
            inlineLimit: inlineLimit, allowedHosts: allowedHosts)
        self.keptLabels = keptLabels
    }
}

extension Service {
    init(
        _ name: String, group: String = "", version: String = "", protocol: PortProtocol = .dubbo,
        _ instances: [Instance], registries: [String] = ["zk"]
    ) {
        self.init(
            id: ServiceID(name: name, protocol: `protocol`, group: group, version: version), instances: instances,
            registries: instances.isEmpty ? [] : registries)
    }
}

extension ServiceID {
    /// One that is likely to meet another's host, or to make an invalid one.
    static func nasty(using random: inout SeededGenerator) -> ServiceID {
        let variant = Int.random(in: 0..<3, using: &random)
        return ServiceID(
            name: (0..<Int.random(in: 1...4, using: &random)).map { _ in .nasty(using: &random) }.joined(
                separator: "."),
            qualifiers: [
                "protocol": PortProtocol.samples.randomElement(using: &random)!.name,
                "group": variant == 0 ? .nasty(using: &random) : "",
                "version": variant == 1 ? .nasty(using: &random) : "",
                ["scope", "p", "g", "P-x", "namespace", .nasty(using: &random)].randomElement(using: &random)!:
                    Int.random(in: 0..<4, using: &random) == 0 ? .nasty(using: &random) : "",
            ])!
    }
}

extension String {
    static func nasty(using random: inout SeededGenerator) -> String {
        let pieces = [
            "cart", "Cart", "CART", "a", "A", "1", "1.0", "0.0.1", "g-x", "v-1", "h-0123456789", "i-1", "p-dubbo",
            "i-g-x", "g", "v",
            "$", "_", "-", "--", "cart$", "cart_", "cart-", "-cart", "仓库", "é", "İ", "ß", "😀", "a b", "a/b", "a:b",
            "a%2Fb", ".",
            String(repeating: "x", count: 63), String(repeating: "x", count: 64), String(repeating: "Y", count: 300),
            String(repeating: "z.", count: 150) + "z",
        ]
        return pieces.randomElement(using: &random)!
            + (Bool.random(using: &random) ? "" : pieces.randomElement(using: &random)!)
    }
}

extension Translator {
    func resources(_ services: [Service], _ assignments: inout Assignments, now: Duration = .zero) -> [ServiceEntry] {
        services.compactMap { translate($0, &assignments, now: now).resource }
    }

    /// As after a restart: from nothing but the objects that were written.
    func assignments(readBackFrom resources: [ServiceEntry]) -> Assignments {
        var assignments = Assignments()
        let objects = resources.map { OwnedObject(key: $0.key, annotations: $0.annotations, spec: $0.spec) }
        for service in services(in: objects) { seed(&assignments, from: service) }
        return assignments
    }
}

extension ServiceEntry {
    var bytes: [UInt8] { json(version: "v1").bytes }
}

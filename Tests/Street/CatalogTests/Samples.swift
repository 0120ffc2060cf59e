import Addressing
import Catalog
import IstioAPI
import Services
import Sources

extension Instance {
    /// `dubbo` on 10.0.0.`host`:20880 unless said otherwise.
    static func sample(
        _ host: UInt8, port: UInt16 = 20880, weight: UInt32 = 100,
        isEnabled: Bool = true, application: String = "shop", succession: UInt16 = 0
    ) -> Instance {
        Instance(
            host: .address(.v4(0x0A00_0000 | UInt32(host))), port: port, weight: weight,
            isEnabled: isEnabled,
            application: application, succession: succession)
    }
}

extension PortProtocol {
    static let dubbo = PortProtocol("dubbo", .tcp)
}

extension ServiceID {
    static let cart = ServiceID(name: "com.acme.Cart", protocol: .dubbo)
    static let order = ServiceID(name: "com.acme.Order", protocol: .dubbo)
}

extension CatalogStore {
    /// - Returns: The services that may have changed.
    mutating func apply(_ event: SourceEvent, from registry: String) -> [ServiceID] {
        apply(event, from: registry, now: .zero).changed
    }

    /// A full read that says this of these services.
    @discardableResult
    mutating func read(
        _ services: [ServiceID: [String: Instance]], from registry: String = "zk"
    ) -> [ServiceID] {
        _ = apply(.begin, from: registry)
        for (id, instances) in services {
            _ = apply(.services(name: id.name, [id: keyed(instances)]), from: registry)
        }
        return apply(.complete, from: registry)
    }

    @discardableResult
    mutating func add(
        _ node: String, _ instance: Instance, to id: ServiceID = .cart, in registry: String = "zk"
    ) -> [ServiceID] {
        apply(.added(id, InstanceKey(node), instance), from: registry)
    }

    @discardableResult
    mutating func remove(_ node: String, from id: ServiceID = .cart, in registry: String = "zk") -> [ServiceID] {
        apply(.removed(id, InstanceKey(node)), from: registry)
    }
}

func keyed(_ instances: [String: Instance]) -> [InstanceKey: Instance] {
    Dictionary(uniqueKeysWithValues: instances.map { (InstanceKey($0.key), $0.value) })
}

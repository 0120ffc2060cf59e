internal import Dubbo
internal import Services
internal import Sources
internal import Translation

/// Generates the registrations of providers: znode names as Dubbo 3 writes them.
///
/// Twenty services make an application. Each of its machines serves all twenty.
struct SyntheticRegistry: Sendable {
    static let name = "synthetic"
    private static let servicesPerApplication = 20

    let extent: Extent
    private let decoder = ProviderDecoder(keptParameters: Street.policy.keptLabels)

    init(_ extent: Extent) {
        self.extent = extent
    }

    static func interface(_ service: Int) -> String { "com.acme.shop.module\(service % 40).Service\(service)" }

    /// The address of a machine before any change.
    func address(_ service: Int, _ slot: Int) -> UInt32 {
        0x0A00_0001 + UInt32(service / Self.servicesPerApplication * extent.instances + slot)
    }

    func node(_ service: Int, address: UInt32) -> String {
        let application = service / Self.servicesPerApplication
        let interface = Self.interface(service)
        var node = "dubbo%3A%2F%2F"
        node.reserveCapacity(640)
        node += "\(address >> 24).\(address >> 16 & 255).\(address >> 8 & 255).\(address & 255)%3A20880%2F"
        node += interface
        node +=
            "%3Fanyhost%3Dtrue%26application%3Dshop-backend-\(application)%26background%3Dfalse%26deprecated%3Dfalse"
        node += "%26dubbo%3D2.0.2%26dynamic%3Dtrue%26executor-management-mode%3Disolation%26file-cache%3Dtrue"
        node += "%26generic%3Dfalse%26interface%3D"
        node += interface
        node += "%26methods%3Dget%2Clist%2Cput%2CfindByOwner%2Cdelete%26pid%3D\(address & 0x7FFF)"
        node += "%26prefer.serialization%3Dhessian2%2Cfastjson2%26region%3Dcn-north-1%26release%3D3.2.10"
        node += "%26revision%3D1.4.2%26service-name-mapping%3Dtrue%26side%3Dprovider"
        node += "%26timestamp%3D\(1_700_000_000_000 + Int(address))%26version%3D1.0.0%26zone%3Dzone-\(address % 3)"
        return node
    }

    /// Decodes one znode as the real source does.
    func decode(_ node: String, of service: Int) -> (ServiceID, InstanceKey, Instance)? {
        guard case .provider(let provider) = decoder.decode(node: node, interface: Self.interface(service)),
            let id = provider.services.first
        else { return nil }
        return (id, InstanceKey(node), provider.instance)
    }

    /// Makes the event of one list as the real source does.
    func list(_ service: Int) -> SourceEvent {
        var instances: SourceEvent.Instances = [:]
        for slot in 0..<extent.instances {
            guard let (id, key, instance) = decode(node(service, address: address(service, slot)), of: service)
            else { continue }
            instances[id, default: [:]][key] = instance
        }
        return .services(name: Self.interface(service), instances)
    }
}

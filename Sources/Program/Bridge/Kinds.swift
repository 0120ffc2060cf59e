internal import ConsulRegistry
package import Deliveries
internal import DirectoryDelivery
internal import EtcdRegistry
internal import EurekaRegistry
internal import KubernetesDelivery
internal import NacosRegistry
package import Services
package import Sources
internal import XDSDelivery
internal import ZooKeeperRegistry

/// The kinds of registries and of ways out that a configuration may name. A new one is one more line here.
package struct Kinds: Sendable {
    package var registries: [any RegistryKind]
    package var deliveries: [any DeliveryKind]
    package var configurations: [any ConfigurationKind]

    package init(
        registries: [any RegistryKind], deliveries: [any DeliveryKind], configurations: [any ConfigurationKind] = []
    ) {
        self.registries = registries
        self.deliveries = deliveries
        self.configurations = configurations
    }

    /// The defaults of the formats of all registries, each once.
    package var formats: [FormatDefaults] {
        registries.flatMap(\.formats).reduce(into: []) { formats, format in
            if !formats.contains(format) { formats.append(format) }
        }
    }

    /// The forms that `--registry` takes.
    package var urlForms: String { registries.map(\.urlForm).joined(separator: " or ") }

    package static let standard = Kinds(
        registries: [
            ZooKeeperKind(),
            NacosKind(),
            ConsulKind(),
            EtcdKind(),
            EurekaKind(),
        ],
        deliveries: [
            KubernetesKind(),
            DirectoryKind(),
            XDSKind(),
        ],
        configurations: [
            ZooKeeperConfigurationKind(),
            NacosConfigurationKind(),
        ])
}

internal import IstioAPI
internal import Services
internal import Synchronization

/// The parts that many endpoints have in common: labels and locality, and ports. Each is made once and then shared,
/// until another one takes its place in the cache.
final class EndpointParts: Sendable {
    struct Description: Sendable {
        fileprivate var traits: InstanceTraits
        var labels: [String: String]
        var locality: String
    }

    private static let places = 1 << 14

    private let keptLabels: [String]
    private let descriptions = Mutex([Description?](repeating: nil, count: places))
    private let ports = Mutex([[String: UInt16]](repeating: [:], count: places))

    init(keptLabels: [String]) {
        self.keptLabels = keptLabels
    }

    func description(of traits: InstanceTraits) -> Description {
        let place = ObjectIdentifier(traits).hashValue & (Self.places - 1)
        if let known = descriptions.withLock({ $0[place] }), known.traits === traits { return known }
        let made = make(traits)
        descriptions.withLock { $0[place] = made }
        return made
    }

    private func make(_ traits: InstanceTraits) -> Description {
        var labels: [String: String] = [:]
        for attribute in traits.attributes where keptLabels.contains(attribute.key) {
            labels[attribute.key] = Translator.labelValue(attribute.value)
        }
        labels[Translator.applicationLabel] = Translator.labelValue(traits.application)
        return Description(traits: traits, labels: labels, locality: Translator.localityText(traits.locality))
    }

    func ports(_ name: String, _ port: UInt16) -> [String: UInt16] {
        ports.withLock { ports in
            let place = Int(port) & (Self.places - 1)
            if ports[place][name] != port { ports[place] = [name: port] }
            return ports[place]
        }
    }
}

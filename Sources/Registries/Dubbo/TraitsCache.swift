internal import Services
internal import Synchronization

/// Remembers recent traits, so that equal ones are made once and share memory.
///
/// It has a fixed number of places, and a place goes to the last traits that hash to it. Traits that are forgotten too
/// early cost memory and nothing else, since traits are compared by content.
final class TraitsCache: Sendable {
    private static let places = 1 << 14

    private let attributeKeys: [String]
    private let kept = Mutex([InstanceTraits?](repeating: nil, count: places))

    init(attributeKeys: [String]) {
        self.attributeKeys = attributeKeys
    }

    func traits(of url: ProviderURL) -> InstanceTraits {
        let application = url.bytes(of: "application")
        let values = attributeKeys.map { url.bytes(of: $0) }
        var hasher = Hasher()
        hasher.combine(application)
        hasher.combine(values)
        let place = hasher.finalize() & (Self.places - 1)
        if let known = kept.withLock({ $0[place] }), matches(known, application, values) { return known }
        let attributes = zip(attributeKeys, values).compactMap { key, value in
            value.flatMap(ByteText.string).map { Instance.Attribute(key: key, value: $0) }
        }
        let traits = InstanceTraits(
            application: application.flatMap(ByteText.string) ?? "", attributes: attributes,
            locality: Locality(attributes: attributes))
        kept.withLock { $0[place] = traits }
        return traits
    }

    private func matches(
        _ traits: InstanceTraits, _ application: ArraySlice<UInt8>?, _ values: [ArraySlice<UInt8>?]
    ) -> Bool {
        guard (application ?? []).equals(traits.application) else { return false }
        var attributes = traits.attributes[...]
        for (key, value) in zip(attributeKeys, values) {
            guard let value else { continue }
            guard let attribute = attributes.popFirst(), attribute.key == key, value.equals(attribute.value) else {
                return false
            }
        }
        return attributes.isEmpty
    }
}

internal import Synchronization

/// Remembers recent traits, so that equal ones are made once and share memory.
///
/// It has a fixed number of places, and a place goes to the last traits that hash to it. Traits that are forgotten too
/// early cost memory and nothing else, since traits are compared by content.
package final class TraitsCache: Sendable {
    private static let places = 1 << 14

    private let attributeKeys: [String]
    private let kept = Mutex([InstanceTraits?](repeating: nil, count: places))

    /// - Parameter attributeKeys: The attributes that are kept, sorted.
    package init(attributeKeys: [String]) {
        self.attributeKeys = attributeKeys
    }

    /// - Parameters:
    ///   - application: Valid UTF-8; `nil` where it is unknown.
    ///   - values: The value of each kept attribute in their order, in valid UTF-8; `nil` where there is none.
    package func traits(application: ArraySlice<UInt8>?, values: [ArraySlice<UInt8>?]) -> InstanceTraits {
        var hasher = Hasher()
        hasher.combine(application)
        hasher.combine(values)
        let place = hasher.finalize() & (Self.places - 1)
        if let known = kept.withLock({ $0[place] }), matches(known, application, values) { return known }
        let attributes = zip(attributeKeys, values).compactMap { key, value in
            value.flatMap { String(validating: $0, as: UTF8.self) }.map { Instance.Attribute(key: key, value: $0) }
        }
        let traits = InstanceTraits(
            application: application.flatMap { String(validating: $0, as: UTF8.self) } ?? "", attributes: attributes,
            locality: Locality(attributes: attributes))
        kept.withLock { $0[place] = traits }
        return traits
    }

    /// - Parameters:
    ///   - application: Empty where it is unknown.
    ///   - value: The value of a kept attribute; `nil` where there is none.
    package func traits(application: String, value: (String) -> String?) -> InstanceTraits {
        traits(
            application: application.isEmpty ? nil : ArraySlice(application.utf8),
            values: attributeKeys.map { key in value(key).map { ArraySlice($0.utf8) } })
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

extension ArraySlice<UInt8> {
    /// Whether these are the bytes of the text.
    package func equals(_ text: String) -> Bool {
        if count != text.utf8.count { return false }
        return text.utf8.withContiguousStorageIfAvailable { text in
            withUnsafeBufferPointer { bytes in
                for index in bytes.indices where bytes[index] != text[index] { return false }
                return true
            }
        } ?? elementsEqual(text.utf8)
    }
}

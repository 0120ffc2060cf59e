/// The part of an instance that many instances have in common: application, attributes and locality. A registry repeats
/// it for each instance; instances of equal traits share one object.
package final class InstanceTraits: Sendable {
    /// The name of the application that runs it; empty when unknown.
    package let application: String
    /// The attributes that the registry states and the configuration keeps, sorted by key.
    package let attributes: [Instance.Attribute]
    package let locality: Locality

    package init(application: String, attributes: [Instance.Attribute], locality: Locality) {
        self.application = application
        self.attributes = attributes
        self.locality = locality
    }

    package static let none = InstanceTraits(application: "", attributes: [], locality: .unknown)
}

extension InstanceTraits: Hashable {
    package static func == (left: InstanceTraits, right: InstanceTraits) -> Bool {
        left === right
            || left.application == right.application && left.attributes == right.attributes
                && left.locality == right.locality
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(application)
        hasher.combine(attributes)
        hasher.combine(locality)
    }
}

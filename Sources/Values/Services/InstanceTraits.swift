/// What many instances have in common word for word: their application and their attributes. They share it, since a registry tells it
/// of each instance anew.
package final class InstanceTraits: Sendable {
    /// The name of the application that runs it; empty when unknown.
    package let application: String
    /// What else the registry says and the configuration keeps, sorted by key.
    package let attributes: [Instance.Attribute]

    package init(application: String, attributes: [Instance.Attribute]) {
        self.application = application
        self.attributes = attributes
    }

    package static let none = InstanceTraits(application: "", attributes: [])
}

extension InstanceTraits: Hashable {
    package static func == (left: InstanceTraits, right: InstanceTraits) -> Bool {
        left === right || left.application == right.application && left.attributes == right.attributes
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(application)
        hasher.combine(attributes)
    }
}

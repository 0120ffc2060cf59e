/// The registrations of one sort that a registry holds and its source does not carry.
///
/// The source gives the words. Everything after it only counts and shows them.
package struct RegistryNote: Hashable, Sendable {
    /// The number of examples that a note has at most.
    package static let exampleLimit = 3

    /// Tells sorts apart for programs. It never changes.
    package var sort: String
    /// What they are, in the plural: `instances registered by application only`.
    package var subject: String
    package var count: Int
    /// Some of them, sorted.
    package var examples: [String]
    /// What that means for the mesh.
    package var effect: String
    /// Whether they are instances. A registry that holds any is not empty.
    package var areInstances: Bool

    package init(
        sort: String, subject: String, count: Int, examples: [String] = [], effect: String, areInstances: Bool = false
    ) {
        self.areInstances = areInstances
        self.sort = sort
        self.subject = subject
        self.count = count
        self.examples = examples
        self.effect = effect
    }
}

extension RegistryNote {
    /// The first of these names, sorted. It takes one pass: there may be a million.
    package static func examples(_ names: some Sequence<String>) -> [String] {
        var first: [String] = []
        for name in names {
            if first.count == exampleLimit, let last = first.last, name >= last { continue }
            let place = first.firstIndex { name < $0 } ?? first.endIndex
            first.insert(name, at: place)
            if first.count > exampleLimit { first.removeLast() }
        }
        return first
    }
}

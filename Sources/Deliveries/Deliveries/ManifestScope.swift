package import IstioAPI

/// Where objects may stand that operators publish; nowhere by default.
package struct ManifestScope: Sendable, Hashable {
    package struct Place: Sendable, Hashable, Comparable {
        package var kind: ResourceKind
        package var namespace: String

        package static func < (left: Place, right: Place) -> Bool {
            (left.namespace, left.kind) < (right.namespace, right.kind)
        }
    }

    /// Sorted.
    package private(set) var places: [Place] = []

    package init() {}

    package mutating func insert(kinds: some Sequence<ResourceKind>, namespaces: some Sequence<String>) {
        let new = kinds.flatMap { kind in namespaces.map { Place(kind: kind, namespace: $0) } }
        places = Set(places).union(new).sorted()
    }

    package func contains(_ key: ResourceKey) -> Bool {
        places.contains(Place(kind: key.kind, namespace: key.namespace))
    }
}

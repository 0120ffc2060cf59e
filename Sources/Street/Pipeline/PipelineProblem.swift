/// Why a service is not delivered as its registries describe it.
package struct PipelineProblem: Sendable, Hashable {
    package enum Effect: String, Sendable, Hashable {
        case lastGood = "its last good form stays"
        case absent = "it is not in the mesh"
        case partial = "its other endpoints are in the mesh"
    }

    /// For people.
    package var reason: String
    package var effect: Effect
}

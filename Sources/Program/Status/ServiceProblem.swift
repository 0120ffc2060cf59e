/// Why a service, or a part of it, is not in the mesh as it is in the registry.
package struct ServiceProblem: Sendable, Hashable, Codable {
    /// The number of problems that a status lists.
    package static let limit = 100

    package var service: String
    package var reason: String
    /// What that means for the mesh. An earlier release does not say it.
    package var effect: String?

    package init(service: String, reason: String, effect: String? = nil) {
        self.service = service
        self.reason = reason
        self.effect = effect
    }
}

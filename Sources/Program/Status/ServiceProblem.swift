/// Why a service, or a part of it, is not in the mesh as it is in the registry. Its last good form stays.
package struct ServiceProblem: Sendable, Hashable, Codable {
    /// The number of problems that a status lists.
    package static let limit = 100

    package var service: String
    package var reason: String

    package init(service: String, reason: String) {
        self.service = service
        self.reason = reason
    }
}

package import JSON

/// Why a service, or a part of it, can't be carried into the mesh as it is. Its last good form goes on.
package struct ServiceProblem: Sendable, Hashable {
    /// How many are told.
    package static let limit = 100

    package var service: String
    package var reason: String

    package init(service: String, reason: String) {
        self.service = service
        self.reason = reason
    }
}

extension ServiceProblem {
    package var json: JSONValue { ["service": .string(service), "reason": .string(reason)] }

    init(_ reader: StatusReader) throws(StatusError) {
        service = try reader.string("service")
        reason = try reader.string("reason")
    }
}

/// Instances that a registry lost and that stay in the mesh, since the loss looks like a failure of the registry.
package struct HoldStatus: Sendable, Hashable {
    package enum Kind: String, Sendable, Hashable, StatusWord {
        /// Many instances left within a short time.
        case netLoss
        /// A complete answer was empty.
        case emptyAnswer
        /// The configuration no longer has the registry.
        case removedRegistry
    }

    /// The number of services that a status lists.
    package static let serviceLimit = 20

    package var kind: Kind
    /// For people.
    package var reason: String
    /// The number of instances that are held.
    package var held: Int
    /// The number of instances that the registry had before the loss.
    package var of: Int
    package var age: Duration
    /// The time until the hold ends by itself; `nil` where only the instances' return or an operator ends it.
    package var releasesIn: Duration?
    /// The services of the held instances.
    package var services: Excerpt<String>

    package init(
        kind: Kind, reason: String, held: Int, of: Int, age: Duration, releasesIn: Duration? = nil,
        services: Excerpt<String>
    ) {
        self.kind = kind
        self.reason = reason
        self.held = held
        self.of = of
        self.age = age
        self.releasesIn = releasesIn
        self.services = services
    }
}

extension HoldStatus: Codable {
    private struct Document: Codable {
        var kind: Kind
        var reason: String
        var held: Int
        var of: Int
        var age: Seconds
        var releasesIn: Seconds?
        var services: [String]
        var serviceCount: Int
    }

    package init(from decoder: any Decoder) throws {
        let document = try Document(from: decoder)
        self.init(
            kind: document.kind, reason: document.reason, held: document.held, of: document.of,
            age: document.age.duration, releasesIn: document.releasesIn?.duration,
            services: Excerpt(first: document.services, count: document.serviceCount))
    }

    package func encode(to encoder: any Encoder) throws {
        let document = Document(
            kind: kind, reason: reason, held: held, of: of, age: Seconds(age), releasesIn: releasesIn.map(Seconds.init),
            services: services.first, serviceCount: services.count)
        try document.encode(to: encoder)
    }
}

/// What an operator had let go of a registry.
package struct Released: StatusDocument, Hashable {
    package var registry: String
    /// How many instances went.
    package var instances: Int
    /// Some of their services.
    package var services: [String]
    package var serviceCount: Int
    /// The hold that it ended or made smaller, as it was.
    package var hold: HoldStatus?
    /// The replicas that write and have to be asked too, as far as they are known; `nil` where this replica writes.
    package var leaders: [String]?

    package init(
        registry: String, instances: Int, services: Excerpt<String>, hold: HoldStatus? = nil, leaders: [String]? = nil
    ) {
        self.registry = registry
        self.instances = instances
        self.services = services.first
        serviceCount = services.count
        self.hold = hold
        self.leaders = leaders
    }
}

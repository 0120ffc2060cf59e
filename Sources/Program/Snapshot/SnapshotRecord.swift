package import Addressing
package import Services

/// One service in a snapshot: what was chosen for it, and its last instances.
package struct SnapshotRecord: Sendable, Hashable {
    /// The choices that must not change.
    package struct Assignment: Sendable, Hashable {
        package var objectName: String
        package var address: IPAddress?
        /// The number of its port; `nil` where the protocol says it.
        package var port: UInt16?
        /// Whether names of its instances are resolved.
        package var resolvesNames: Bool
        /// How long the service had been without instances when the snapshot was written, to the millisecond; `nil`
        /// when it had some.
        package var emptyFor: Duration?
        /// Whether its endpoints are WorkloadEntries.
        package var hasWorkloads: Bool

        package init(
            objectName: String, address: IPAddress? = nil, port: UInt16? = nil, resolvesNames: Bool = false,
            emptyFor: Duration? = nil, hasWorkloads: Bool = false
        ) {
            self.objectName = objectName
            self.address = address
            self.port = port
            self.resolvesNames = resolvesNames
            self.emptyFor = emptyFor
            self.hasWorkloads = hasWorkloads
        }
    }

    package var id: ServiceID
    /// `nil` for a service that has no object.
    package var assignment: Assignment?
    /// The registries that announced it last.
    package var registries: [String]
    package var instances: [Instance]
    /// Which of the registries announced which endpoint, where that was not all of them.
    package var announcers: EndpointAnnouncers

    package init(
        id: ServiceID, assignment: Assignment? = nil, registries: [String] = [], instances: [Instance] = [],
        announcers: EndpointAnnouncers = EndpointAnnouncers()
    ) {
        self.id = id
        self.assignment = assignment
        self.registries = registries
        self.instances = instances
        self.announcers = announcers
    }
}

/// The owner of the services that a snapshot holds.
package protocol SnapshotSource: Sendable {
    /// The services that follow this one, sorted; from the first one for `nil`, and none after the last one. A page is
    /// consistent in itself. A change between two pages is part of the next snapshot.
    func snapshotPage(after: ServiceID?, limit: Int) async -> [SnapshotRecord]
}

/// Why bytes are not a usable snapshot.
package enum SnapshotDefect: Error, Sendable, Hashable, CustomStringConvertible {
    /// The bytes are not those that were written.
    case damaged(String)
    /// Another release of the program wrote the bytes.
    case otherFormat(String)

    package var description: String {
        switch self {
        case .damaged(let reason), .otherFormat(let reason): reason
        }
    }
}

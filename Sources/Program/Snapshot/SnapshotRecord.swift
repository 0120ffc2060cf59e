package import Addressing
package import Services

/// What is remembered of one service: the choices that were made for it, and who served it last.
package struct SnapshotRecord: Sendable, Hashable {
    package struct Object: Sendable, Hashable {
        package var name: String
        /// How long nobody had served the protocol when the snapshot was written, to the millisecond; `nil` when somebody did.
        package var emptyFor: Duration?
        /// Whether its endpoints are objects of their own.
        package var hasWorkloads: Bool

        package init(name: String, emptyFor: Duration? = nil, hasWorkloads: Bool = false) {
            self.name = name
            self.emptyFor = emptyFor
            self.hasWorkloads = hasWorkloads
        }
    }

    package var id: ServiceID
    package var address: IPAddress?
    package var objects: [PortProtocol: Object]
    /// Those that announced it last.
    package var registries: [String]
    package var instances: [Instance]

    package init(
        id: ServiceID, address: IPAddress? = nil, objects: [PortProtocol: Object] = [:],
        registries: [String] = [], instances: [Instance] = []
    ) {
        self.id = id
        self.address = address
        self.objects = objects
        self.registries = registries
        self.instances = instances
    }
}

/// Where a snapshot is taken from.
package protocol SnapshotSource: Sendable {
    /// The services that follow this one, sorted, from the first one for `nil`; none after the last one. A page is consistent in
    /// itself; what changes between two pages is for the next snapshot.
    func snapshotPage(after: ServiceID?, limit: Int) async -> [SnapshotRecord]
}

/// Why bytes are not a snapshot.
package enum SnapshotDefect: Error, Sendable, Hashable, CustomStringConvertible {
    /// They are not what was written.
    case damaged(String)
    /// They are, but another release of the program wrote them.
    case otherFormat(String)

    package var description: String {
        switch self {
        case .damaged(let reason), .otherFormat(let reason): reason
        }
    }
}

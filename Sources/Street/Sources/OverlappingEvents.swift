internal import Services

/// The last event about each instance of one name while an answer about the name is outstanding.
///
/// Events and answers reach the follower on different ways, so that an answer may be older than an event that came
/// before it.
struct OverlappingEvents: Sendable {
    /// Above this number of instances events are not noted: the name is read again instead.
    static let limit = 16_384

    private struct Place: Hashable {
        var service: ServiceID
        var key: InstanceKey
    }

    private var last: [Place: InstanceChange] = [:]

    var isEmpty: Bool { last.isEmpty }
    /// The number of instances with an event.
    var count: Int { last.count }

    /// - Parameter limit: The number of instances for which there is room.
    /// - Returns: Whether the event was noted. One that was not must not be applied.
    mutating func note(_ change: InstanceChange, limit: Int = Self.limit) -> Bool {
        let place = Place(service: change.service, key: change.key)
        guard last.count < limit || last[place] != nil else { return false }
        last[place] = change
        return true
    }

    /// An answer with the events that are newer than it.
    struct Merged {
        var services: SourceEvent.Instances
        /// What the answer says of the instances whose last event is older.
        var corrections: [SourceEvent] = []
        /// Whether the order of the answer and the events is unknown.
        var isAmbiguous: Bool
    }

    func merged(into services: SourceEvent.Instances, at position: Position?) -> Merged {
        var merged = Merged(services: services, isAmbiguous: position == nil && !last.isEmpty)
        var successions = Successions(services)
        for change in last.values.sorted(by: { $0.position < $1.position }) {
            let place = Place(service: change.service, key: change.key)
            if let position, change.position < position {
                let known = services[place.service]?[place.key]
                merged.corrections.append(
                    InstanceChange(place.service, place.key, known, position: position).event)
            } else if var instance = change.instance {
                let known = services[place.service]?[place.key]
                instance.succession = known?.succession ?? successions.next(instance.endpoint, of: place.service)
                merged.services[place.service, default: [:]][place.key] = instance
            } else {
                merged.services[place.service]?[place.key] = nil
            }
        }
        return merged
    }

    /// The noted changes that are newer than a position, or all of them.
    func newer(than position: Position?) -> [InstanceChange] {
        last.values.filter { change in position.map { change.position > $0 } ?? true }
            .sorted { $0.position < $1.position }
    }
}

/// Gives registrations that come after an answer their places behind those in it.
private struct Successions {
    private let services: SourceEvent.Instances
    /// The highest place of each endpoint, for the services that are asked for.
    private var highest: [ServiceID: [Endpoint: UInt16]] = [:]

    init(_ services: SourceEvent.Instances) {
        self.services = services
    }

    mutating func next(_ endpoint: Endpoint, of service: ServiceID) -> UInt16 {
        if highest[service] == nil {
            highest[service] = (services[service] ?? [:]).values.reduce(into: [:]) { places, instance in
                places[instance.endpoint] = max(places[instance.endpoint] ?? 0, instance.succession)
            }
        }
        let place = highest[service]?[endpoint].map { $0 < .max ? $0 + 1 : $0 } ?? 0
        highest[service]?[endpoint] = place
        return place
    }
}

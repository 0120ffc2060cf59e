/// Which services wait for a connection of their own on which they are polled.
struct PollQueue: Sendable {
    private(set) var waiting: Set<ConsulService> = []
    private var polled: Set<ConsulService> = []

    func contains(_ service: ConsulService) -> Bool { waiting.contains(service) || polled.contains(service) }

    mutating func add(_ service: ConsulService) {
        if !polled.contains(service) { waiting.insert(service) }
    }

    mutating func stopWaiting(_ service: ConsulService) { waiting.remove(service) }

    /// - Returns: A service that is polled from now on.
    mutating func take() -> ConsulService? {
        guard let service = waiting.popFirst() else { return nil }
        polled.insert(service)
        return service
    }

    /// A service is polled no more, nor waits to be.
    mutating func release(_ service: ConsulService) {
        polled.remove(service)
        waiting.remove(service)
    }

    mutating func removeAll() { self = PollQueue() }
}

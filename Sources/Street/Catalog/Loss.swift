internal import Services

/// How much a registry lost.
struct Loss: Sendable, Hashable {
    var instances = 0
    /// The number of endpoints at which the instances were. One process serves many services at one endpoint.
    var addresses = 0
}

/// A set of lost instances, of which only the numbers are known.
struct LossTally: Sendable {
    private var instances = 0
    private var counts: [Endpoint: Int] = [:]

    var loss: Loss { Loss(instances: instances, addresses: counts.count) }

    mutating func add(_ endpoint: Endpoint) {
        instances += 1
        counts[endpoint, default: 0] += 1
    }

    mutating func remove(_ endpoint: Endpoint) {
        instances -= 1
        guard let count = counts[endpoint] else { return }
        counts[endpoint] = count > 1 ? count - 1 : nil
    }
}

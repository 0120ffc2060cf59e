internal import Services

/// The removals of one settle time. A few of them pass at once, the others wait for its end.
struct SettlePeriod: Sendable {
    /// Monotonic. It does not move when more removals come.
    let end: Duration
    private var instances = 0
    /// No more than are needed to know that they are too many.
    private var addresses: Set<Endpoint> = []

    init(end: Duration) {
        self.end = end
    }

    mutating func add(_ endpoint: Endpoint) {
        instances += 1
        if addresses.count <= GuardPolicy.freeAddresses { addresses.insert(endpoint) }
    }

    /// Whether the removals so far are few.
    /// - Parameter total: The number of instances before them.
    func areFew(of total: Int) -> Bool {
        addresses.count <= GuardPolicy.freeAddresses || instances * 100 <= total * GuardPolicy.freePercent
    }
}

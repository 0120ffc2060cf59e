internal import Services

/// Delays the removal of an instance for a short while, in which another key may announce the same endpoint.
///
/// Some libraries update a registration by a deletion and a creation under another key. The addition is told first
/// then, so that the endpoint never leaves.
package struct Rejoining: Sendable {
    private struct Place: Hashable {
        var service: ServiceID
        var endpoint: Endpoint

        init(_ change: DeclaredChange) {
            service = change.service
            endpoint = change.endpoint
        }
    }

    private struct Registration: Hashable {
        var service: ServiceID
        var key: InstanceKey

        init(_ change: DeclaredChange) {
            service = change.service
            key = change.key
        }
    }

    private let window: Duration
    private let limit: Int
    private var waiting: [Int: DeclaredChange] = [:]
    private var numbers: [Place: Set<Int>] = [:]
    private var numbersByKey: [Registration: Int] = [:]
    /// In the order of their numbers, since the window is one for all. Some may not wait any more.
    private var ends: [(number: Int, end: Duration)] = []
    private var firstEnd = 0
    private var nextNumber = 0

    /// - Parameters:
    ///   - window: `0` delays nothing.
    ///   - limit: More removals than these are not delayed.
    package init(window: Duration, limit: Int = 16_384) {
        self.window = window
        self.limit = limit
    }

    /// When `due` has something to tell.
    package var deadline: Duration? { firstEnd < ends.count ? ends[firstEnd].end : nil }

    /// What is to be told now.
    package mutating func take(_ changes: [DeclaredChange], now: Duration) -> [DeclaredChange] {
        var told = changes.filter { $0.instance != nil }
        let arrived = Set(told.map { Place($0) })
        for addition in told { told += rejoined(addition) }
        for change in changes where change.instance == nil {
            if window == .zero || waiting.count >= limit || arrived.contains(Place(change)) {
                told.append(change)
            } else {
                wait(change, until: now + window)
            }
        }
        dropEnded()
        return told
    }

    /// The removals for which nothing came.
    package mutating func due(now: Duration) -> [DeclaredChange] {
        var due: [DeclaredChange] = []
        while let end = deadline, end <= now {
            if let change = stopWaiting(ends[firstEnd].number) { due.append(change) }
            firstEnd += 1
        }
        dropEnded()
        return due
    }

    /// Everything was read anew.
    package mutating func removeAll() { self = Rejoining(window: window, limit: limit) }

    /// The removals that need not wait any more. One whose own key is back is none any more.
    private mutating func rejoined(_ addition: DeclaredChange) -> [DeclaredChange] {
        if waiting.isEmpty { return [] }
        if let number = numbersByKey[Registration(addition)] { _ = stopWaiting(number) }
        return (numbers[Place(addition)] ?? []).sorted().compactMap { stopWaiting($0) }
    }

    private mutating func wait(_ change: DeclaredChange, until end: Duration) {
        if let number = numbersByKey[Registration(change)] { _ = stopWaiting(number) }
        waiting[nextNumber] = change
        numbers[Place(change), default: []].insert(nextNumber)
        numbersByKey[Registration(change)] = nextNumber
        ends.append((nextNumber, end))
        nextNumber += 1
    }

    private mutating func stopWaiting(_ number: Int) -> DeclaredChange? {
        guard let change = waiting.removeValue(forKey: number) else { return nil }
        numbersByKey[Registration(change)] = nil
        numbers[Place(change)]?.remove(number)
        if numbers[Place(change)]?.isEmpty == true { numbers[Place(change)] = nil }
        return change
    }

    private mutating func dropEnded() {
        while firstEnd < ends.count, waiting[ends[firstEnd].number] == nil { firstEnd += 1 }
        guard firstEnd > 1_024 || firstEnd == ends.count else { return }
        ends.removeFirst(firstEnd)
        firstEnd = 0
    }
}

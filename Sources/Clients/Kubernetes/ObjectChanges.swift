internal import Concurrency
internal import Synchronization

/// The keys of the objects in a store that were added, changed or removed. The store has each object's newest state; it
/// has none for a removed object.
///
/// A key that changes again before it is taken comes once. A slow consumer finds at most the limit of keys waiting.
/// Each iteration receives all changes. It ends when the store's ``ObjectStore/run()`` ends or the iterating task is
/// cancelled.
public struct ObjectChanges: AsyncSequence, Sendable {
    /// A change of a store.
    public enum Element: Sendable, Hashable {
        /// The object of this key was added, changed or removed.
        case object(ObjectKey)
        /// More keys changed than the limit: any object may have been added, changed or removed.
        case everything
    }

    public typealias Failure = Never

    let store: ObjectStore
    let limit: Int

    public func makeAsyncIterator() -> AsyncIterator {
        let subscriber = Subscriber(limit: limit)
        store.add(subscriber)
        return AsyncIterator(subscriber: subscriber)
    }

    public struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate let subscriber: Subscriber

        public mutating func next(isolation actor: isolated (any Actor)? = #isolation) async -> Element? {
            await subscriber.next()
        }
    }
}

extension ObjectChanges {
    /// The changes that wait for one iteration.
    struct Pending {
        private var keys: Set<ObjectKey> = []
        /// The keys in the order of their first change.
        private var order: [ObjectKey] = []
        private var taken = 0
        private var hasOverflown = false
        private let limit: Int

        init(limit: Int) { self.limit = limit }

        mutating func add(_ changed: [ObjectKey]) {
            guard !hasOverflown else { return }
            for key in changed where keys.insert(key).inserted { order.append(key) }
            if keys.count > limit {
                self = Pending(limit: limit)
                hasOverflown = true
            }
        }

        mutating func next() -> Element? {
            if hasOverflown {
                hasOverflown = false
                return .everything
            }
            guard taken < order.count else { return nil }
            let key = order[taken]
            taken += 1
            keys.remove(key)
            // Removing each key at once would take time in the square of their number.
            if taken * 2 >= order.count {
                order.removeFirst(taken)
                taken = 0
            }
            return .object(key)
        }
    }

    final class Subscriber: Sendable {
        private let state: Mutex<(pending: Pending, isFinished: Bool)>
        private let news = EventCount()

        init(limit: Int) { state = Mutex((Pending(limit: limit), false)) }

        func add(_ keys: [ObjectKey]) {
            state.withLock { $0.pending.add(keys) }
            news.signal()
        }

        func finish() {
            state.withLock { $0.isFinished = true }
            news.signal()
        }

        func next() async -> Element? {
            while !Task.isCancelled {
                let ticket = news.ticket
                let (element, isFinished) = state.withLock { ($0.pending.next(), $0.isFinished) }
                if let element { return element }
                if isFinished { return nil }
                await news.wait(after: ticket)
            }
            return nil
        }
    }
}

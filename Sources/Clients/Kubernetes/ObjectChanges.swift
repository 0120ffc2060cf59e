internal import Synchronization

/// The keys of the objects in a store that came, changed or went: look in the store for what they are by now.
///
/// A key that changes again before it is taken comes once. However slow the consumer, no more than the limit is kept.
/// Each iteration gets all changes. It ends with the store's ``ObjectStore/run()``, or with the iterating task.
public struct ObjectChanges: AsyncSequence, Sendable {
    public enum Element: Sendable, Hashable {
        case object(ObjectKey)
        /// More keys changed than could be kept: any object may have come, changed or gone.
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
    /// The changes that one iteration has still to take.
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
            // Moving the rest up for each key would cost the square of their number.
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

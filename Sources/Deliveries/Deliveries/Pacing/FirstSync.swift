/// The first sync after a start: what waits until the delivery has caught up once. A pure state machine.
///
/// It ends when nothing waits any more. Changes may come faster than they are written, and then it would never end:
/// after `patience` it ends with what waited by then.
struct FirstSync: Sendable, Hashable {
    /// The registries are being read. An empty queue says nothing yet.
    static let head = Duration.seconds(1)
    static let patience = Duration.seconds(10)

    /// The time at which a worker took the first key.
    private var began: Duration?
    /// How many keys are still to be taken.
    private var left = 0

    /// A worker took a key.
    /// - Parameter waiting: How many keys wait.
    /// - Returns: Whether the first sync was over before that.
    mutating func isOver(waiting: Int, now: Duration) -> Bool {
        guard let began else {
            began = now
            left = waiting
            return false
        }
        left = now - began < Self.patience ? waiting : min(left - 1, waiting)
        return left <= 0 && now - began >= Self.head
    }
}

/// The positions at which names were read.
///
/// An event that is older than the read of its name tells nothing that the read does not show. Applying the event
/// would bring back for a moment an instance that has left since, or remove one that has come back.
struct ReadOrder: Sendable {
    private var root: Position = 0
    private var lists: [String: Position] = [:]
    private var newest: Position = 0

    /// A full read begins.
    mutating func rootWasRead(at position: Position) {
        root = position
        lists = [:]
        newest = position
    }

    mutating func wasRead(_ name: String, at position: Position) {
        lists[name] = position
        newest = max(newest, position)
    }

    /// The name could not be read, or nothing of the answer can be shown. No event about the name is old.
    mutating func showsNothing(of name: String) {
        lists[name] = 0
    }

    /// Whether an event is older than what was read. Events come in order: after the first one that is newer than
    /// every read, the positions of the reads are forgotten.
    mutating func isOld(_ position: Position, in name: String) -> Bool {
        guard position < newest else {
            lists = [:]
            root = 0
            newest = 0
            return false
        }
        return position < lists[name] ?? root
    }

    /// Whether an answer about the name is older than one that was taken. Answers come in any order.
    func isOlder(_ position: Position, than name: String) -> Bool {
        lists[name].map { position < $0 } ?? false
    }
}

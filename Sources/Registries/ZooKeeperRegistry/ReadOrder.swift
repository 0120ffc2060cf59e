/// When lists were read, by the numbers of their replies: an event that waited meanwhile tells nothing that its list does not show,
/// and carrying it out would bring back for a moment what has gone since, or take away what has come back.
struct ReadOrder: Sendable {
    private var root: UInt64 = 0
    private var lists: [String: UInt64] = [:]
    private var newest: UInt64 = 0

    /// A full read begins.
    mutating func rootWasRead(at sequence: UInt64) {
        root = sequence
        lists = [:]
        newest = sequence
    }

    mutating func wasRead(_ directory: String, at sequence: UInt64) {
        lists[directory] = sequence
        newest = max(newest, sequence)
    }

    /// Whether an event is older than what was read. Events come in order, so that from the first newer one on nothing has to be
    /// remembered.
    mutating func isOld(_ sequence: UInt64, in directory: String) -> Bool {
        guard sequence < newest else {
            lists = [:]
            root = 0
            newest = 0
            return false
        }
        return sequence < lists[directory] ?? root
    }
}

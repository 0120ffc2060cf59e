/// The keys from `start` to before `end`.
package struct EtcdKeyRange: Hashable, Sendable {
    var start: [UInt8]
    /// `[0]` for no end; empty for the one key `start`.
    var end: [UInt8]

    /// All keys that begin with a text; all keys for an empty one.
    package init(prefix: String) {
        start = Array(prefix.utf8)
        if start.isEmpty {
            (start, end) = ([0], [0])
            return
        }
        // UTF-8 has no byte 0xFF, so that the last byte has a next one.
        end = start
        end[end.count - 1] += 1
    }

    /// What follows a key.
    func after(_ key: [UInt8]) -> EtcdKeyRange {
        var range = self
        range.start = key + [0]
        return range
    }
}

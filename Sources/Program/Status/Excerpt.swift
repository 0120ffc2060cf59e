internal import JSON

/// The first elements of a list that may be long, and how many it has in all.
package struct Excerpt<Element: Sendable & Hashable>: Sendable, Hashable {
    package let first: [Element]
    package let count: Int

    /// - Parameter limit: How many elements are kept.
    package init(_ all: some Collection<Element>, limit: Int) {
        first = Array(all.prefix(limit))
        count = all.count
    }

    /// - Parameter count: Of the whole list; never less than what is here of it.
    package init(first: [Element], count: Int) {
        self.first = first
        self.count = max(count, first.count)
    }

    package static var empty: Self { Self(first: [], count: 0) }
    package var isEmpty: Bool { count == 0 }
    /// How many are not among the first.
    package var others: Int { count - first.count }
}

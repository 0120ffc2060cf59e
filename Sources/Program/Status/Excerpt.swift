/// The first elements of a list that may be long, and the number of all of them.
package struct Excerpt<Element: Sendable & Hashable>: Sendable, Hashable {
    package let first: [Element]
    package let count: Int

    /// - Parameter limit: The number of elements that are kept.
    package init(_ all: some Collection<Element>, limit: Int) {
        first = Array(all.prefix(limit))
        count = all.count
    }

    /// - Parameter count: The length of the whole list; at least that of `first`.
    package init(first: [Element], count: Int) {
        self.first = first
        self.count = max(count, first.count)
    }

    package static var empty: Self { Self(first: [], count: 0) }
    package var isEmpty: Bool { count == 0 }
    /// The number of elements that are not kept.
    package var others: Int { count - first.count }
}

/// What a key waits for, in the order in which keys are served.
package enum Lane: Sendable, Hashable, CaseIterable {
    /// A write that takes endpoints away.
    case removal
    /// A write for which istiod pushes everything to every proxy.
    case fullPush
    /// A write for which istiod pushes endpoints only.
    case endpoints
    /// A look: nobody knows yet what the change costs.
    case fresh
    /// A look that can wait until no other key does.
    case background

    /// Whether a look comes first, which may always begin.
    var isLook: Bool { self == .fresh || self == .background }
}

/// The rules by which removals look like a failure of the registry rather than a wish of its users.
package struct GuardPolicy: Sendable, Hashable {
    /// The treatment of endpoints that only a registry announced which is not configured any more.
    package enum RemovedRegistries: String, Sendable, Hashable, CaseIterable {
        /// They stay until an operator releases them: a mistyped name must not cost endpoints.
        case keep
        case remove
    }

    /// The share of a registry's instances that may be removed within `window`, in percent. Removals that arrivals pay
    /// for do not count.
    package var maxRemovalPercent: Int
    /// How many instances may always be removed, however small the registry is.
    package var minRemovals: Int
    /// How long removals wait to be judged together, beyond the few that pass at once.
    package var settle: Duration
    package var window: Duration
    /// How long the reads of a healthy registry have to agree before a held removal is accepted.
    package var holdFor: Duration
    package var removedRegistries: RemovedRegistries

    /// A loss of more than this share of a registry is released by its recovery or by an operator only.
    static let operatorPercent = 50

    /// Removals at so many addresses pass at once in each settle time.
    static let freeAddresses = 3
    /// Removals of this share of a registry pass at once in each settle time, in percent.
    static let freePercent = 2

    package init(
        maxRemovalPercent: Int = 15, minRemovals: Int = 10, settle: Duration = .milliseconds(500),
        window: Duration = .seconds(60), holdFor: Duration = .seconds(300), removedRegistries: RemovedRegistries = .keep
    ) {
        self.maxRemovalPercent = maxRemovalPercent
        self.minRemovals = minRemovals
        self.settle = settle
        self.window = window
        self.holdFor = holdFor
        self.removedRegistries = removedRegistries
    }

    /// One process serves hundreds of services at one address, and its departure is one departure. Hence a few
    /// addresses are no failure of the registry, however many instances they are, unless they are most of it.
    /// - Parameter total: The number of instances before the loss.
    func isSuspicious(_ loss: Loss, of total: Int) -> Bool {
        guard loss.instances > minRemovals, loss.instances * 100 > total * maxRemovalPercent else { return false }
        return loss.addresses > minRemovals
            || loss.addresses > Self.freeAddresses && loss.instances * 100 > total * Self.operatorPercent
    }
}

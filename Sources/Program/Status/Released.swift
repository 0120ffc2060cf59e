/// The hold that an operator ended, as it was.
package struct Released: StatusDocument, Hashable {
    package var registry: String
    package var hold: HoldStatus
    /// The replicas that write and have to be asked too, as far as they are known; `nil` where this replica writes.
    package var leaders: [String]?

    package init(registry: String, hold: HoldStatus, leaders: [String]? = nil) {
        self.registry = registry
        self.hold = hold
        self.leaders = leaders
    }
}

package import Services

/// What became of an instance when an entry came, changed or went.
package struct DeclaredChange: Hashable, Sendable {
    package var service: ServiceID
    package var key: InstanceKey
    /// `nil` for an instance that left.
    package var instance: Instance?
    package var endpoint: Endpoint

    init(_ service: ServiceID, _ key: InstanceKey, _ instance: Instance) {
        self.service = service
        self.key = key
        self.instance = instance
        endpoint = instance.endpoint
    }

    init(_ service: ServiceID, _ key: InstanceKey, leftFrom endpoint: Endpoint) {
        self.service = service
        self.key = key
        self.endpoint = endpoint
    }
}

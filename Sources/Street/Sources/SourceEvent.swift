package import Services

/// What a source says of its registry.
///
/// A full read is framed by `begin` and `complete`; until `complete` the last good view stands, and `interrupted`
/// gives the frame up. Services come by name, since that is what registries list: one name holds the service's groups
/// and versions.
package enum SourceEvent: Sendable {
    package typealias Instances = [ServiceID: [InstanceKey: Instance]]

    case begin
    /// All that the registry says of one name. Inside a frame it belongs to the staged view, outside it replaces at
    /// once.
    case services(name: String, Instances)
    /// What the registry says of this name can't be used: its last good view goes on.
    /// - isAnswered: Whether the name was read, and none of its registrations can be used.
    case unreadable(name: String, reason: String, isAnswered: Bool = false)
    case complete
    /// The full read failed, or the registry can't be reached: everything known goes on, as stale.
    case interrupted(reason: String)
    /// An instance came, or came again with other content. Inside a frame, this and `removed` count at once and in the
    /// staged view too.
    case added(ServiceID, InstanceKey, Instance)
    /// - at: Where the instance served, if the registry tells. Where its list can't be read, nothing else tells which
    ///   instance it was.
    case removed(ServiceID, InstanceKey, at: Endpoint? = nil)
    /// What the registry holds and the source does not carry, all of it. It says nothing about any service.
    case notes([RegistryNote])
}

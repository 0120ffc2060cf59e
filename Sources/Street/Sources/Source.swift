/// Follows one registry and says what it sees. One implementation for each kind of registry.
package protocol Source: Sendable {
    /// Unique among the configured registries.
    var name: String { get }

    /// Follows the registry until the task is cancelled. A failure of the registry is an event, never an end.
    ///
    /// - Parameters:
    ///   - requests: What to read once more, in order with what the source reads by itself: everything that it told
    ///     before was read before. The server is one that does not lag.
    ///   - emit: Takes the next event; while it is busy, the source waits.
    func run(requests: ReadRequests, emit: @escaping @Sendable (SourceEvent) async -> Void) async
}

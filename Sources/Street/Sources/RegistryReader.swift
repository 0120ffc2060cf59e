package import Services

/// Reads one registry. `RegistryFollower` decides what is read and when.
///
/// A reader knows the registry's protocol and its layout. It knows nothing of frames, retries and pauses, so that
/// these are the same for every registry. How each kind of registry fits:
///
/// | registry | `run` | `list` | `read` |
/// |---|---|---|---|
/// | events for instances | reports `instance` | the names, or a snapshot | one list |
/// | one-shot watches | reports `changed` | watches the root | watches it |
/// | blocking queries | a long poll for each name, reports `pushed` | the names | one query without an index |
/// | subscriptions | reports `pushed` | the names | subscribes |
/// | polling | reports `connected` once | the names, or everything | one query |
///
/// Each request ends within a time that the reader limits. A request that was given up still counts as under way until
/// then.
package protocol RegistryReader: Sendable {
    /// The time from a complete read to the next one; `nil` for a registry that reports its changes.
    var pollInterval: Duration? { get }

    /// The number of calls of `read` that may be under way at once.
    var readLimit: Int { get }

    /// What the registry holds and the reader does not carry, as far as it is known now. It is asked for at the end of
    /// a full read, and after `notesChanged`.
    var notes: [RegistryNote] { get }

    /// Keeps the connection and reports changes until the task is cancelled.
    ///
    /// - Parameter report: Returns when the change was taken. A reader whose registry is faster than that keeps a
    ///   bounded number of changes, and reports `changesLost` in place of more.
    func run(report: @escaping @Sendable (RegistryChange) async -> Void) async

    /// Begins a full read: the first request after a connection, and then again whenever everything is to be read.
    ///
    /// Changes that happen after the answer are reported. The answer and those of `read` are no older than any change
    /// that was reported before the call: a reader whose server may lag waits here until the server has caught up.
    func list() async throws(ReadFailure) -> Listing

    /// Called once before names are read again that the follower chose by itself or was asked for, rather than after a
    /// change. A reader whose server may lag waits here until the server has caught up.
    func prepare() async throws(ReadFailure)

    /// Reads all that the registry says of one name. A name that is unknown to the registry is an answer: no instances.
    func read(_ name: String) async throws(ReadFailure) -> Reading
}

extension RegistryReader {
    package var pollInterval: Duration? { nil }
    package var readLimit: Int { 128 }
    package var notes: [RegistryNote] { [] }
    package func prepare() async throws(ReadFailure) {}
}

/// What a reader reports between reads, in the order in which the registry told it.
package enum RegistryChange: Sendable {
    /// The registry can be read. Changes since the last connection may have been missed.
    ///
    /// - Parameter details: What a log should say of the connection.
    case connected(details: [String: String])
    /// The registry can't be read. The reader goes on trying, and reports `connected`.
    case disconnected(reason: String)
    /// There is nothing to follow, such as a root that is gone. `outdated` ends this state.
    case missing(reason: String)
    /// Changes may have been missed, although the connection stands.
    case changesLost(reason: String)
    /// Everything has to be read again, although no change was missed: for example, a root that was missing was made.
    case outdated(reason: String)
    case instance(InstanceChange)
    /// A registration that can't be used has left. The name may be worth another read.
    case unusableLeft(name: String, position: Position)
    /// Something about the name changed. Only a read tells what.
    case changed(name: String)
    /// All that the registry says of the name now.
    case pushed(name: String, Reading)
    /// The reader's `notes` are others now.
    case notesChanged
}

/// Orders the changes and answers of one connection: a greater one is newer. A registry's revision is one, and so is
/// the number of a message on the connection.
package typealias Position = UInt64

/// One instance that came, came again with other content, or left.
package struct InstanceChange: Sendable {
    package var service: ServiceID
    package var key: InstanceKey
    /// `nil` for an instance that left.
    package var instance: Instance?
    /// Where the instance serves or served; `nil` where the registry does not tell of an instance that left.
    package var endpoint: Endpoint?
    /// Never lower than that of the change before.
    package var position: Position

    /// - Parameter endpoint: Where an instance served that left.
    package init(
        _ service: ServiceID, _ key: InstanceKey, _ instance: Instance?, at endpoint: Endpoint? = nil,
        position: Position
    ) {
        self.service = service
        self.key = key
        self.instance = instance
        self.endpoint = instance?.endpoint ?? endpoint
        self.position = position
    }

    var name: String { service.name }

    var event: SourceEvent {
        instance.map { .added(service, key, $0) } ?? .removed(service, key, at: endpoint)
    }
}

/// The names that a registry holds.
package struct Listing: Sendable {
    /// The names to be read one by one.
    package var names: [String]
    /// What the answer already says of names, where a registry answers with everything at once.
    package var readings: [String: Reading]
    /// Needed where the reader reports `instance`.
    package var position: Position?

    package init(names: [String] = [], readings: [String: Reading] = [:], position: Position? = nil) {
        self.names = names
        self.readings = readings
        self.position = position
    }
}

/// All that a registry says of one name.
package struct Reading: Sendable {
    package enum Content: Sendable {
        case services(SourceEvent.Instances)
        /// There are registrations, and none of them can be used.
        case unusable(reason: String)
    }

    package var content: Content
    /// The registrations that were left out because they can't be used.
    package var unusableCount: Int
    /// Needed where the reader reports `instance`. Elsewhere it keeps an answer that arrives late from replacing a
    /// newer push.
    package var position: Position?

    package init(_ content: Content, unusableCount: Int = 0, position: Position? = nil) {
        self.content = content
        self.unusableCount = unusableCount
        self.position = position
    }
}

/// Why a registry, or one name in it, could not be read.
package struct ReadFailure: Error, Hashable {
    package enum Cause: Hashable, Sendable {
        /// The connection ended. The reader reports `connected` when another one stands.
        case disconnected
        /// There is nothing to follow, such as a missing root. The reader reports `outdated` when there is.
        case missing
        /// The registry has too much to do. A full read ends with it.
        case overloaded
        /// The same request may succeed although nobody changes anything.
        case passing
        /// The registry refuses the request. Nothing tells when it would permit it.
        case refused
        /// The request can't succeed before something in the registry changes, such as an answer that is too long.
        case lasting
    }

    package var cause: Cause
    /// For people: what was asked for, and why it failed.
    package var reason: String

    package init(_ cause: Cause, reason: String) {
        self.cause = cause
        self.reason = reason
    }
}

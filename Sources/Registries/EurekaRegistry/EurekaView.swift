internal import Eureka

/// The instances that a Eureka server shows, and those whose absence is not believed yet.
///
/// A server that has just started answers "nothing" with success until the clients have come back, which they do within
/// a heartbeat. So absence in a full answer counts at once only where the server has proof that it remembers: an instance
/// that was known before and has not registered anew. Otherwise an absent instance stays for `absenceDelay`, and longer
/// where another server still shows it. A delta that says `DELETED` always counts.
///
/// It is a pure state machine: answers and the time go in, the keys of changed instances come out.
struct EurekaView: Sendable {
    typealias Key = EurekaInstance.Key

    let absenceDelay: Duration
    /// Those of the last answers. Their digest is compared with the server's.
    private(set) var instances: [Key: EurekaInstance] = [:]
    /// Those that the server does not show, and that are believed to exist.
    private(set) var awaited: [Key: EurekaInstance] = [:]
    /// When absence is to be believed.
    private(set) var absenceEnd: Duration?
    /// The server of the last full answer.
    private var server: String?
    /// When each server answered first.
    private var firstAnswers: [String: Duration] = [:]

    init(absenceDelay: Duration) {
        self.absenceDelay = absenceDelay
    }

    /// An instance that counts.
    subscript(key: Key) -> EurekaInstance? { instances[key] ?? awaited[key] }

    var isEmpty: Bool { instances.isEmpty && awaited.isEmpty }

    // MARK: Answers

    /// How long the first answer of a server can't be believed, since the server started a moment ago; `nil` where it
    /// can. Clients may not have come back yet.
    mutating func doubt(about document: EurekaDocument, from server: String, now: Duration) -> Duration? {
        let first = firstAnswers[server] ?? now
        firstAnswers[server] = first
        guard isEmpty, first + absenceDelay > now else { return nil }
        let oldest = document.instances.lazy.map(\.registered).filter { $0 > 0 }.min()
        if let oldest, let time = document.serverTime, .milliseconds(time - oldest) > absenceDelay { return nil }
        return first + absenceDelay - now
    }

    /// Takes over everything that a server shows.
    /// - Returns: The keys of which something changed.
    mutating func take(all document: EurekaDocument, from server: String, now: Duration) -> Set<Key> {
        let shown = Dictionary(document.instances.map { ($0.key, $0) }) { $1 }
        let remembers =
            self.server == server
            && shown.contains { key, instance in
                instance.registered > 0 && instances[key]?.registered == instance.registered
            }
        let absent = instances.filter { shown[$0.key] == nil }
        var changed = Set(shown.filter { self[$0.key] != $0.value }.keys)
        awaited = awaited.filter { shown[$0.key] == nil }
        if remembers || absenceDelay <= .zero {
            changed.formUnion(absent.keys)
        } else if !absent.isEmpty || self.server != server && !awaited.isEmpty {
            awaited.merge(absent) { $1 }
            absenceEnd = now + absenceDelay
        }
        instances = shown
        self.server = server
        if awaited.isEmpty { absenceEnd = nil }
        return changed
    }

    /// Takes over what changed lately.
    /// - Returns: The keys of which something changed, and whether the server has as many instances of each status now.
    ///   Otherwise everything has to be read.
    mutating func take(changes document: EurekaDocument) -> (changed: Set<Key>, isComplete: Bool) {
        var changed: Set<Key> = []
        for instance in document.instances {
            let key = instance.key
            let before = self[key]
            awaited[key] = nil
            instances[key] = instance.action == .deleted ? nil : instance
            if self[key] != before { changed.insert(key) }
        }
        if awaited.isEmpty { absenceEnd = nil }
        let isComplete = document.digest.map { $0 == EurekaDocument.digest(of: instances.values) } ?? true
        return (changed, isComplete)
    }

    // MARK: Absence

    /// Whether it is time to believe absence.
    func isAbsenceDue(now: Duration) -> Bool { absenceEnd.map { $0 <= now } ?? false }

    /// Believes absence, but for what another server shows. That is asked for again after the delay.
    /// - Parameter others: `nil` where no other server answers.
    /// - Returns: The keys of the instances that go.
    mutating func believeAbsence(others: Set<Key>?, now: Duration) -> Set<Key> {
        let gone = Set(awaited.keys.filter { others?.contains($0) != true })
        for key in gone { awaited[key] = nil }
        absenceEnd = awaited.isEmpty ? nil : now + absenceDelay
        return gone
    }
}

/// A request as a test sees it, to count it and to choose which ones fail.
package struct APIServerRequest: Sendable, Hashable {
    /// Such as `PATCH`.
    package var method: String
    package var target: HTTPTarget
    /// `nil` for what is not about objects: discovery, health, an unknown path.
    package var verb: ResourceStore.Verb?
    /// The plural name, such as `serviceentries`.
    package var resource: String?
    package var namespace: String?
    package var name: String?
    /// The client's credential.
    package var bearerToken: String?
}

/// How many requests arrived, whatever became of them.
package struct APIServerRequestCounts: Sendable, Hashable {
    private struct Key: Sendable, Hashable {
        var verb: ResourceStore.Verb
        var resource: String
    }

    private var counts: [Key: Int] = [:]
    /// All requests, those for discovery and health too.
    package private(set) var total = 0

    /// The verbs that change something when they succeed.
    package var writes: Int {
        counts.reduce(0) { $1.key.verb.isWrite ? $0 + $1.value : $0 }
    }

    package subscript(verb: ResourceStore.Verb, resource: String) -> Int {
        counts[Key(verb: verb, resource: resource)] ?? 0
    }

    mutating func add(_ request: APIServerRequest) {
        total += 1
        if let verb = request.verb, let resource = request.resource {
            counts[Key(verb: verb, resource: resource), default: 0] += 1
        }
    }
}

/// A fault that is injected in place of the answer.
package enum APIServerFault: Sendable {
    /// Answers at once and carries nothing out. Without a body, a `Status` object says the code.
    case respond(status: Int, headers: [(String, String)] = [], body: String? = nil)
    /// Carries nothing out and never answers: until the client leaves, or the server stops.
    case hang
    /// Carries nothing out and closes the connection.
    case dropConnection
    /// Carries the request out, then closes the connection without an answer.
    case loseReply
    /// Carries the request out, and answers when the store is as wanted.
    case holdReply(until: @Sendable (ResourceStore) -> Bool)
}

/// The faults that are still to come.
struct APIServerFaults: Sendable {
    private struct Plan: Sendable {
        var fault: APIServerFault
        var remaining: Int
        var isMeant: @Sendable (APIServerRequest) -> Bool
    }

    private var plans: [Plan] = []

    mutating func add(
        _ fault: APIServerFault, times: Int, where isMeant: @escaping @Sendable (APIServerRequest) -> Bool
    ) {
        if times > 0 { plans.append(Plan(fault: fault, remaining: times, isMeant: isMeant)) }
    }

    mutating func removeAll() {
        plans.removeAll()
    }

    /// The fault of this request; of several plans that match, the one made first.
    mutating func take(for request: APIServerRequest) -> APIServerFault? {
        guard let index = plans.firstIndex(where: { $0.isMeant(request) }) else { return nil }
        let fault = plans[index].fault
        plans[index].remaining -= 1
        if plans[index].remaining == 0 { plans.remove(at: index) }
        return fault
    }
}

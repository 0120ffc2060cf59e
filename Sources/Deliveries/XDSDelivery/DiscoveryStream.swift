package import IstioAPI
package import IstioProtobuf
internal import JSON

/// The server's side of one stream of an istiod (state of the world). A pure state
/// machine.
///
/// Each type that istiod asks for has its own subscription:
///
///     silent ──► sent ──► resting ──► sent ──► …
///
/// - **silent**: the type is ours, and nothing can be said of it yet. An empty answer would delete what istiod has.
/// - **sent**: a response waits for its ACK or NACK. There is one at a time; what changes meanwhile goes together.
/// - **resting**: the last response was answered. The next one goes when the set is another, and not before istiod has
///   had as much time for other things as the last set took.
///
/// A type that is not ours is answered empty at once, and never again: istiod is not ready before it has an answer for
/// each type.
package struct DiscoveryStream: Sendable {
    package enum Action: Sendable, Hashable {
        /// Send the newest set of the kind. `sent` follows.
        case send(ResourceKind, typeURL: String)
        case sendEmpty(typeURL: String, version: String, nonce: String)
        case acknowledged(Acknowledgement)
        case refused(typeURL: String, version: String, reason: String)
        /// The client breaks the rules: end the stream.
        case end(reason: String)
        /// Call `wake` at this time. It replaces an earlier wish.
        case wake(at: Duration)
    }

    /// istiod's store has taken a set.
    package struct Acknowledgement: Sendable, Hashable {
        package var typeURL: String
        package var version: String
        /// From the sending.
        package var latency: Duration

        package init(typeURL: String, version: String, latency: Duration) {
            self.typeURL = typeURL
            self.version = version
            self.latency = latency
        }
    }

    /// istiod asks for 17 types.
    package static let maximumTypes = 64
    /// However long a set takes, changes wait no longer than this for the next one.
    package static let longestRest = Duration.seconds(5)

    /// The revisions of istiod that get something; `nil` for all.
    private let revisions: Set<String>?
    package private(set) var node: DiscoveryRequest.Node?
    package private(set) var subscriptions: [String: DiscoverySubscription] = [:]
    private var responses = 0
    private var isEnded = false

    package init(revisions: Set<String>? = nil) {
        self.revisions = revisions
    }

    /// Whether this istiod's revision gets anything.
    package var isSelected: Bool {
        guard let revisions else { return true }
        return revision.map { revisions.contains($0) } ?? false
    }

    package var revision: String? { node?.metadata["ISTIO_REVISION"]?.string }

    private mutating func nextNonce() -> String {
        responses += 1
        return "\(responses)"
    }
}

// MARK: - Events

extension DiscoveryStream {
    /// - Parameter newest: The versions of the newest sets; a kind of which nothing can be said yet is not there.
    package mutating func received(
        _ request: DiscoveryRequest, newest: [ResourceKind: String], now: Duration
    ) -> [Action] {
        if isEnded { return [] }
        if let node = request.node { self.node = node }
        guard let subscription = subscriptions[request.typeURL] else {
            return subscribe(request.typeURL, newest: newest, now: now)
        }
        // istiod's first nonce is its own, and an answer to an earlier response says nothing of this one.
        guard case .sent(let sent) = subscription.state, sent.nonce == request.nonce else { return [] }
        return answered(request, sent, newest: newest, now: now)
    }

    /// Sets have changed, or can be told from now on.
    package mutating func changed(newest: [ResourceKind: String], now: Duration) -> [Action] {
        if isEnded { return [] }
        var actions: [Action] = []
        var nextWake: Duration?
        for (typeURL, subscription) in subscriptions.sorted(by: { $0.key < $1.key }) {
            guard let kind = subscription.kind, isSelected, let version = newest[kind] else { continue }
            switch subscription.state {
            case .silent: actions.append(.send(kind, typeURL: typeURL))
            case .resting(let end):
                if version == subscription.lastVersion { continue }
                if end <= now {
                    actions.append(.send(kind, typeURL: typeURL))
                } else {
                    nextWake = min(nextWake ?? end, end)
                }
            case .sent, .answeredOnce: break
            }
        }
        if let nextWake { actions.append(.wake(at: nextWake)) }
        return actions
    }

    /// The owner is about to send a set.
    /// - Returns: The nonce of the response.
    package mutating func sent(typeURL: String, version: String, now: Duration) -> String {
        let nonce = nextNonce()
        subscriptions[typeURL]?.state = .sent(.init(version: version, nonce: nonce, time: now))
        subscriptions[typeURL]?.lastVersion = version
        return nonce
    }
}

extension DiscoveryStream {
    private mutating func subscribe(
        _ typeURL: String, newest: [ResourceKind: String], now: Duration
    ) -> [Action] {
        guard subscriptions.count < Self.maximumTypes else {
            isEnded = true
            return [.end(reason: "more than \(Self.maximumTypes) types on one stream")]
        }
        guard let kind = ResourceKind(configType: typeURL) else {
            subscriptions[typeURL] = DiscoverySubscription(kind: nil, state: .answeredOnce)
            return [.sendEmpty(typeURL: typeURL, version: "none", nonce: nextNonce())]
        }
        subscriptions[typeURL] = DiscoverySubscription(kind: kind, state: .silent)
        return changed(newest: newest, now: now)
    }

    private mutating func answered(
        _ request: DiscoveryRequest, _ sent: DiscoverySubscription.Sent, newest: [ResourceKind: String], now: Duration
    ) -> [Action] {
        let typeURL = request.typeURL
        let latency = now - sent.time
        subscriptions[typeURL]?.state = .resting(until: now + min(latency, Self.longestRest))
        var actions: [Action]
        if let refusal = request.refusal {
            subscriptions[typeURL]?.refusal = refusal.message
            actions = [.refused(typeURL: typeURL, version: sent.version, reason: refusal.message)]
        } else {
            subscriptions[typeURL]?.refusal = nil
            subscriptions[typeURL]?.acknowledged = .init(version: sent.version, latency: latency)
            actions = [.acknowledged(.init(typeURL: typeURL, version: sent.version, latency: latency))]
        }
        return actions + changed(newest: newest, now: now)
    }
}

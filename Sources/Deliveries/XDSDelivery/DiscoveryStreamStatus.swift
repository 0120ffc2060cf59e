internal import IstioAPI
internal import Text

/// What is known of one istiod, for people.
struct DiscoveryStreamStatus: Sendable, Hashable {
    var peer: String
    /// The node's id; empty before the first request.
    var node = ""
    var revision = ""
    var isSelected = true
    var subscriptions: [String: DiscoverySubscription] = [:]
    /// How many objects the last set of ServiceEntries had.
    var services = 0

    /// The pod's name, where the node's id has one: `sidecar~IP~POD.NAMESPACE~DOMAIN`.
    var name: String {
        let parts = node.split(separator: "~", omittingEmptySubsequences: false)
        let pod = parts.count == 4 ? parts[2].split(separator: ".").first.map(String.init) : nil
        return pod ?? (node.isEmpty ? peer : node)
    }

    var refusals: [(typeURL: String, reason: String)] {
        subscriptions.compactMap { type, subscription in subscription.refusal.map { (type, $0) } }
            .sorted { $0.typeURL < $1.typeURL }
    }

    /// - Parameters:
    ///   - newest: The versions of the newest sets; empty as long as nothing can be said.
    ///   - now: On the clock of the stream.
    func line(newest: [ResourceKind: String], now: Duration) -> String {
        let who = "istiod \(name)" + (revision.isEmpty ? "" : ", revision \(revision),") + " at \(peer)"
        if !isSelected { return "\(who) gets nothing: its revision is not among 'revisions'" }
        let own = subscriptions.values.filter { $0.kind == .serviceEntry }
        guard let entry = own.first else { return "\(who) has not asked for ServiceEntries" }
        if let refusal = entry.refusal { return "\(who) refuses the ServiceEntries: \(refusal)" }
        switch entry.state {
        case .silent: return "\(who) waits for its first answer"
        case .sent(let sent):
            return "\(who) has not acknowledged what was sent \((now - sent.time).readable) ago"
        case .resting, .answeredOnce:
            let latency = entry.acknowledged?.latency.readable ?? "?"
            let isCurrent = entry.acknowledged?.version == newest[.serviceEntry]
            return "\(who) \(isCurrent ? "has all" : "had all") \(services) services, acknowledged after \(latency)"
                + (isCurrent ? "" : "; more wait")
        }
    }
}

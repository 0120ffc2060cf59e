/// Which of several DestinationRules holds for a host (`destinationRule` of `pilot/pkg/model/push_context.go`).
package struct DestinationRules: Sendable {
    private struct Entry {
        var rule: DestinationRule
        var created: String
    }

    private let rootNamespace: String
    /// By namespace, the oldest first.
    private let rules: [String: [Entry]]

    /// - Parameters:
    ///   - objects: Other kinds are left out.
    ///   - rootNamespace: istiod's own, which holds the rules of the whole mesh.
    package init(_ objects: some Sequence<ConfigObject>, rootNamespace: String = "istio-system") {
        self.rootNamespace = rootNamespace
        let entries = objects.compactMap { object in
            DestinationRule(object).map { Entry(rule: $0, created: object.created) }
        }
        rules = Dictionary(grouping: entries) { $0.rule.key.namespace }.mapValues { entries in
            entries.sorted { ($0.created, $0.rule.key.name) < ($1.created, $1.rule.key.name) }
        }
    }

    /// The rule by which clients of a namespace treat a host: the most specific one of the client's namespace, else of
    /// the service's, else of the root namespace. The first of these namespaces that has any hides the others. For
    /// clients of the root namespace only its private rules come first.
    package func rule(for host: String, inNamespace service: String, client: String) -> DestinationRule? {
        rule(for: host, from: client, seenBy: client) { client != rootNamespace || $0.exportTo == ["."] }
            ?? rule(for: host, from: service, seenBy: client) ?? rule(for: host, from: rootNamespace, seenBy: client)
    }

    private func rule(
        for host: String, from namespace: String, seenBy client: String,
        where isWanted: (DestinationRule) -> Bool = { _ in true }
    ) -> DestinationRule? {
        let matching = (rules[namespace] ?? []).map(\.rule).filter {
            $0.isVisible(from: client) && $0.covers(host) && isWanted($0)
        }
        let specific = matching.map(\.host).max { $0.specificity < $1.specificity }
        return matching.filter { $0.host == specific }.reduce(nil) { $0?.merging($1) ?? $1 }
    }
}

extension DestinationRule {
    /// Whether its host is this one, or a wildcard for it.
    package func covers(_ other: String) -> Bool {
        host == other || host == "*" || host.hasPrefix("*.") && other.hasSuffix(host.dropFirst())
    }

    /// Whether both are for the same host, or may be.
    package func overlaps(_ other: DestinationRule) -> Bool {
        covers(other.host) || other.covers(host)
    }

    package func isVisible(from client: String) -> Bool {
        exportTo.isEmpty || exportTo.contains("*") || exportTo.contains(client)
            || exportTo.contains(".") && client == key.namespace
    }

    /// The older of two rules for one host keeps its policy; the subsets of both hold.
    fileprivate func merging(_ younger: DestinationRule) -> DestinationRule {
        var rule = self
        rule.trafficPolicy = trafficPolicy ?? younger.trafficPolicy
        rule.subsets += younger.subsets.filter { new in !subsets.contains { $0.name == new.name } }
        return rule
    }
}

extension String {
    /// Of a rule's host: an exact one before wildcards, a longer wildcard before a shorter one.
    fileprivate var specificity: (Int, Int) { (hasPrefix("*") ? 0 : 1, utf8.count) }
}

internal import Deliveries
internal import IstioAPI
internal import JSON
internal import Kubernetes
internal import Planning

// MARK: - DestinationRules

/// No watch follows DestinationRules: there is one for a namespace, and it hardly ever changes. It is read for each
/// look, at the start, when the delivery compares everything, and when somebody asks.
extension ClusterDelivery {
    /// Brings a rule closer to what is wanted.
    func attemptRule(_ key: ResourceKey, _ wanted: Wanted) async -> Attempt {
        do throws(KubernetesError) {
            let (rule, obstacle) = try await admissible(wanted.resource)
            let actual = try await ruleObject(key)
            let change = Change.plan(desired: rule, actual: actual, ownership: ownership)
            if change == .none { return obstacle.map { .refused(reason: $0) } ?? .done(nil) }
            guard workers.queue.begin(.fullPush) else { return .held(.fullPush) }
            defer { workers.queue.end() }
            let attempt = try await bring(change, key)
            guard obstacle != nil, case .done(let outcome) = attempt else { return attempt }
            // The next look tells why the rule went.
            return .waiting(outcome, retryAfter: .seconds(1))
        } catch {
            return attempt(after: error, key)
        }
    }

    /// The change of a rule, as a one-shot reconcile plans it.
    func planRule(_ key: ResourceKey, wanted: Resource?) async -> Change {
        do throws(KubernetesError) {
            let (rule, obstacle) = try await admissible(wanted)
            let change = Change.plan(desired: rule, actual: try await ruleObject(key), ownership: ownership)
            if change == .none, let obstacle { return .conflict(reason: obstacle) }
            return change
        } catch {
            return .conflict(reason: explanation(of: error, .destinationRule))
        }
    }

    /// The keys of our rules. Nothing, where we may not see them.
    func ownedRules() async -> [ResourceKey] {
        ((try? await owned(.destinationRule)) ?? []).map(\.key)
    }

    private func ruleObject(_ key: ResourceKey) async throws(KubernetesError) -> ActualObject? {
        let type = try await resourceType(.destinationRule)
        do throws(KubernetesError) {
            return ActualObject(
                try await client.get(type, name: key.name, namespace: key.namespace), .destinationRule)
        } catch  where error.code == .notFound {
            return nil
        }
    }

    /// A rule in the service's namespace hides every rule of the root namespace for the same host, which is somebody's
    /// wish for the whole mesh. There ours is not wanted.
    /// - Returns: The rule, where it may stand, or else why it may not.
    private func admissible(
        _ resource: Resource?
    ) async throws(KubernetesError) -> (rule: Resource?, obstacle: String?) {
        guard case .destinationRule(let rule)? = resource else { return (resource, nil) }
        let type = try await resourceType(.destinationRule)
        do throws(KubernetesError) {
            var pages = client.list(type, namespace: rootNamespace).makeAsyncIterator()
            while let page = try await pages.next() {
                for object in page.objects {
                    let found = ActualObject(object, .destinationRule)
                    guard let other = DestinationRule(found.configObject), rule.overlaps(other) else { continue }
                    return (
                        nil,
                        "\(other.key) is for '\(other.host)': a rule for '\(rule.host)' in namespace "
                            + "'\(rule.key.namespace)' would hide it, and is not written"
                    )
                }
            }
        } catch  where error.code == .forbidden {
            return (
                nil,
                "\(error); without list on \(ResourceKind.destinationRule.plural).\(ResourceKind.group) in namespace "
                    + "'\(rootNamespace)' nobody knows which rules ours would hide, and it is not written"
            )
        }
        return (resource, nil)
    }
}

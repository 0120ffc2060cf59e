internal import Deliveries
internal import IstioAPI
internal import JSON
internal import Kubernetes
internal import Logging
internal import Planning
internal import Text

// MARK: - DestinationRules

/// A rule is read for each look: there is one for a namespace, and it hardly ever changes. Two watches tell when a look
/// is due: one on the rules beside our services, and one on the rules of the root namespace.
extension ClusterDelivery {
    /// The change that a rule needs.
    private struct RuleChange {
        var change: Change
        /// Why the rule that is wanted may not stand.
        var condition: String?
    }

    /// Brings a rule closer to what is wanted.
    func attemptRule(_ key: ResourceKey, _ wanted: Wanted) async -> Attempt {
        ruleKeys.insert(key)
        do throws(KubernetesError) {
            let needed = try await ruleChange(key, wanted.resource)
            if needed.change == .none { return needed.condition.map { .refused(reason: $0) } ?? .done(nil) }
            guard workers.queue.begin(.fullPush) else { return .held(.fullPush) }
            defer { workers.queue.end() }
            let attempt = try await bring(needed.change, key)
            // Another look tells why the rule went.
            if needed.condition != nil, case .done = attempt { workers.add([key]) }
            return attempt
        } catch {
            return attempt(after: error, key)
        }
    }

    /// The change of a rule, as a one-shot reconcile plans it.
    func planRule(_ key: ResourceKey, wanted: Resource?) async -> Change {
        do throws(KubernetesError) {
            let needed = try await ruleChange(key, wanted)
            if needed.change == .none, let condition = needed.condition { return .conflict(reason: condition) }
            return needed.change
        } catch {
            return .conflict(reason: explanation(of: error, .destinationRule))
        }
    }

    /// Our rules. Where the bridge may not list them, the log says that none is known.
    func ownedRules() async throws(KubernetesError) -> [ActualObject] {
        do throws(KubernetesError) {
            return try await owned(.destinationRule)
        } catch  where error.code == .notFound {
            return []
        } catch  where error.isPermissionMissing {
            logger.error(
                "owned rules unknown: a rule that is no longer wanted stays",
                metadata: ["reason": "\(explanation(of: error, .destinationRule))"])
            return []
        }
    }

    private func ruleChange(_ key: ResourceKey, _ wanted: Resource?) async throws(KubernetesError) -> RuleChange {
        let condition = try await condition(to: wanted)
        let change = Change.plan(
            desired: condition == nil ? wanted : nil, actual: try await ruleObject(key), ownership: ownership)
        return RuleChange(change: change, condition: condition)
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

    /// Why a rule may not stand; `nil` where it may. A rule in the service's namespace hides every rule of the root
    /// namespace for the same host, which is somebody's wish for the whole mesh.
    private func condition(to wanted: Resource?) async throws(KubernetesError) -> String? {
        guard case .destinationRule(let rule)? = wanted else { return nil }
        let type = try await resourceType(.destinationRule)
        do throws(KubernetesError) {
            var pages = client.list(type, namespace: rootNamespace).makeAsyncIterator()
            while let page = try await pages.next() {
                for object in page.objects {
                    let found = ActualObject(object, .destinationRule)
                    // Where our services stand in the root namespace, so does our rule.
                    guard !ownership.covers(found), let other = DestinationRule(found.configObject),
                        rule.overlaps(other)
                    else { continue }
                    return "\(other.key) is for '\(other.host)': a rule for '\(rule.host)' in namespace "
                        + "'\(rule.key.namespace)' would hide it, and is not written"
                }
            }
        } catch  where error.code == .forbidden {
            return
                "\(error); without list on \(ResourceKind.destinationRule.plural).\(ResourceKind.group) in namespace "
                + "'\(rootNamespace)' nobody knows which rules ours would hide, and it is not written"
        }
        return nil
    }
}

// MARK: - Watches

extension ClusterDelivery {
    /// Has all rules of ours looked at, and those that are wanted.
    func lookAtRules() {
        workers.add(ruleKeys)
        ruleLooks.continuation.yield()
    }

    /// Watches the rules from the first look on. Without the permission the watches end until the next look.
    func followRules() async {
        for await _ in ruleLooks.stream {
            guard let type = try? await resourceType(.destinationRule) else { continue }
            await withDiscardingTaskGroup { watches in
                for namespace in Set([namespace, rootNamespace]) {
                    watches.addTask { await self.watchRules(type, in: namespace) }
                }
            }
        }
    }

    private func watchRules(_ type: ResourceType, in namespace: String) async {
        let watcher = client.watcher(
            type, namespace: namespace, listing: .metadataOnly, watching: .metadataOnly)
        for await event in watcher {
            switch event {
            case .listBegins: break
            case .object(let object): noteRule(object, in: namespace)
            case .listComplete: workers.add(ruleKeys)
            case .changed(let object), .deleted(let object):
                noteRule(object, in: namespace)
                workers.add(ruleKeys)
            case .interrupted(let error, let delay):
                let reason = explanation(of: error, .destinationRule)
                logger.warning(
                    "rules not followed",
                    metadata: ["namespace": "\(namespace)", "reason": "\(reason)", "retryIn": "\(delay.readable)"])
                if error.isUnavailability { return }
            }
        }
    }

    private func noteRule(_ object: APIObject, in namespace: String) {
        let found = ActualObject(object, .destinationRule)
        if namespace == self.namespace, ownership.covers(found), !found.isPublished { ruleKeys.insert(found.key) }
    }
}

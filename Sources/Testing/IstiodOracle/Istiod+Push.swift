package import IstioAPI
internal import JSON

/// What istiod sends to one sidecar and to ztunnels because of changes that it sees at once.
package struct MeshPush: Hashable, Sendable {
    package var scope: IstiodPush
    /// The types of resources that the sidecar gets.
    package var contents: Set<IstiodPush.Content>
    /// The clusters whose endpoints it gets.
    package var endpoints: Set<String>
    /// The names and UIDs of what ztunnels get anew.
    package var addresses: Set<String>
    /// The names and UIDs of what is taken from them.
    package var removedAddresses: Set<String>
}

extension Istiod {
    /// A sidecar that is connected.
    package struct Client: Hashable, Sendable {
        package var namespace: String
        package var address: String

        package init(namespace: String, address: String) {
            self.namespace = namespace
            self.address = address
        }
    }

    /// What a change pushes: from this istiod's objects to another's.
    package func push(to after: Istiod, for client: Client) -> MeshPush {
        let (old, new) = (sidecarView(of: client.namespace), after.sidecarView(of: client.namespace))
        var push = MeshPush(scope: .nothing, contents: [], endpoints: [], addresses: [], removedAddresses: [])
        let (before, wanted) = (keyed, after.keyed)
        for key in Set(before.keys).union(wanted.keys) where before[key] != wanted[key] {
            for part in parts(from: before[key], to: wanted[key], after: after) {
                push.scope = push.scope.and(part.scope)
                push.contents.formUnion(part.scope.contents)
                guard part.scope.contents.contains(.endpoints) else { continue }
                push.endpoints.formUnion(old.endpointClusters(where: part.isConcerned))
                push.endpoints.formUnion(new.endpointClusters(where: part.isConcerned))
            }
            // istiod takes a workload at a proxy's own address for the proxy: it gets everything anew.
            if let object = wanted[key], object.kind == "WorkloadEntry",
                object.spec["address"]?.string == client.address
            {
                push.contents = Set(IstiodPush.Content.allCases)
                push.endpoints.formUnion(new.endpointClusters { _, _ in true })
            }
        }
        if push.endpoints.isEmpty { push.contents.remove(.endpoints) }
        push.addAddresses(from: ambientView(), to: after.ambientView())
        return push
    }

    private struct Key: Hashable {
        var kind: String
        var namespace: String
        var name: String
    }

    private var keyed: [Key: ConfigObject] {
        Dictionary(objects.map { (Key(kind: $0.kind, namespace: $0.namespace, name: $0.name), $0) }) { first, _ in first
        }
    }

    /// A part of a push: its scope, and the hosts whose endpoints are sent, by namespace.
    private struct Part {
        var scope: IstiodPush
        var isConcerned: (String, String) -> Bool
    }

    private func parts(from before: ConfigObject?, to wanted: ConfigObject?, after: Istiod) -> [Part] {
        guard let object = wanted ?? before else { return [] }
        switch object.kind {
        case "ServiceEntry":
            let scope = IstiodPush.serviceEntry(
                from: before, to: wanted, beside: surroundings(of: object, without: object))
            return [part(scope, before.map { [$0] } ?? [], wanted.map { [$0] } ?? [])]
        case "WorkloadEntry":
            return after.entries.map { entry in
                part(
                    .workloadEntry(
                        from: before, to: wanted, among: [entry.object],
                        beside: surroundings(of: entry.object, without: object)),
                    [entry.object], [])
            }
        case ResourceKind.destinationRule.rawValue:
            let rules = [before, wanted].compactMap { $0.flatMap(DestinationRule.init) }
            return [
                Part(scope: .destinationRule(from: before, to: wanted)) { _, host in
                    rules.contains { $0.covers(host) }
                }
            ]
        default: return []
        }
    }

    private func part(_ scope: IstiodPush, _ before: [ConfigObject], _ after: [ConfigObject]) -> Part {
        let hosts = Set(
            (before + after).flatMap { entry in
                ServiceTraits(entry).hosts.map { HostKey(namespace: entry.namespace, host: $0) }
            })
        return Part(scope: scope) { hosts.contains(HostKey(namespace: $0, host: $1)) }
    }

    /// What other objects than one give the hosts of an entry.
    private func surroundings(of entry: ConfigObject, without object: ConfigObject) -> IstiodPush.Surroundings {
        let hosts = ServiceTraits(entry).hosts
        let others = objects.filter {
            ($0.kind, $0.namespace, $0.name) != (object.kind, object.namespace, object.name)
        }
        let rest = Istiod(others, rootNamespace: rootNamespace, trustDomain: trustDomain)
        let endpoints = hosts.flatMap { rest.endpoints(of: $0, inNamespace: entry.namespace) }
        return IstiodPush.Surroundings(
            serviceAccounts: Set(
                endpoints.map(\.serviceAccount).filter { !$0.isEmpty }.compactMap {
                    $0.split(separator: "/").last.map(String.init)
                }),
            hasEndpoints: !endpoints.isEmpty,
            hasSeenEndpoints: hosts.allSatisfy {
                seenHosts.contains(HostKey(namespace: entry.namespace, host: $0))
            })
    }
}

extension SidecarView {
    /// The clusters with a stream of endpoints of their own.
    fileprivate func endpointClusters(where isConcerned: (String, String) -> Bool) -> [String] {
        clusters.filter { $0.value.discovery == .endpoints && isConcerned($0.value.namespace, $0.value.host) }.map(
            \.key)
    }
}

extension MeshPush {
    fileprivate mutating func addAddresses(from old: AmbientView, to new: AmbientView) {
        func add<Value: Equatable>(_ old: [String: Value], _ new: [String: Value]) {
            addresses.formUnion(new.filter { old[$0.key] != $0.value }.map(\.key))
            removedAddresses.formUnion(old.keys.filter { new[$0] == nil })
        }
        add(old.services.mapValues(\.asSent), new.services.mapValues(\.asSent))
        // A changed service takes its workloads with it.
        let changed = addresses
        add(old.workloads, new.workloads)
        addresses.formUnion(new.workloads.filter { !changed.isDisjoint(with: $0.value.services.keys) }.map(\.key))
    }
}

extension AmbientView.Service {
    /// Without the names of the ports, which ztunnels don't get.
    fileprivate var asSent: Self {
        var service = self
        service.ports = ports.map { .init(number: $0.number, name: "", protocol: $0.protocol, target: $0.target) }
        return service
    }
}

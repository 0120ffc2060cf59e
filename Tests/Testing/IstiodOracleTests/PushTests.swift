import IstioAPI
import IstiodOracle
import JSON
import Testing

/// Not modelled: how many bytes are sent; how often istiod's counters count one push; whether istiod counts a trigger
/// `endpoint` beside the trigger `service` of a change of the service; routes, to which the recording's client didn't
/// subscribe.
@Suite("what a change pushes, as a real istiod pushed it")
struct PushTests {
    @Test("each kind of change sends what was recorded", arguments: ["pushes.json", "pushes-ambient.json"])
    func recorded(file: String) throws {
        let recording = try Recording(file)
        let rows = try #require(recording.json["rows"]?.array)
        let isAmbient = rows.contains { $0["ztunnel"]?.array != nil }
        var rest = rows[...]
        var world = PushScript.start
        var istiod = Istiod(world.objects)
        for step in PushScript.steps {
            let before = istiod
            switch step {
            case .given(let change):
                change(&world)
                istiod = istiod.with(world.objects)
            case .change(let name, let change):
                guard let row = rest.popFirst() else { return }
                #expect(row["change"]?.string == name)
                change(&world)
                istiod = istiod.with(world.objects)
                compare(before.push(to: istiod, for: PushScript.client), istiod, row, isAmbient: isAmbient)
            }
        }
        #expect(rest.isEmpty)
    }

    private func compare(_ push: MeshPush, _ after: Istiod, _ row: JSONValue, isAmbient: Bool) {
        let name = Comment(rawValue: row["change"]?.string ?? "")
        var sent: [String: Set<String>] = [:]
        for part in row["sidecar"]?.array ?? [] {
            sent[part["type"]?.string ?? "", default: []].formUnion(part["names"]?.texts ?? [])
        }
        #expect(Set(push.contents.map(\.rawValue)) == Set(sent.keys), name)
        #expect(push.endpoints == sent["ClusterLoadAssignment"] ?? [], name)
        // A full push has all that the sidecar sees then.
        let view = after.sidecarView(of: PushScript.client.namespace)
        let mesh: Set<String> = isAmbient ? ["connect_originate"] : []
        if let clusters = sent["Cluster"] {
            let own: Set = ["BlackHoleCluster", "PassthroughCluster", "InboundPassthroughCluster"]
            #expect(clusters == mesh.union(own).union(view.clusters.keys), name)
        }
        if let listeners = sent["Listener"] {
            #expect(listeners == mesh.union(["virtualInbound", "virtualOutbound"]).union(view.listeners.keys), name)
        }
        if let names = sent["NameTable"] { #expect(names == Set(view.names.keys), name) }
        if isAmbient { compareAddresses(push, row, name) }
        compareCounters(push, row, isAmbient: isAmbient, name)
    }

    private func compareAddresses(_ push: MeshPush, _ row: JSONValue, _ name: Comment) {
        let parts = row["ztunnel"]?.array ?? []
        let told = push.addresses.union(push.removedAddresses.map { "-\($0)" })
        #expect(Int64(told.count) == parts.reduce(0) { $0 + ($1["count"]?.integer ?? 0) }, name)
        // The recording leaves long lists of names out.
        if parts.allSatisfy({ $0["names"]?.array != nil }) {
            #expect(told == Set(parts.flatMap { $0["names"]?.texts ?? [] }), name)
        }
    }

    private func compareCounters(_ push: MeshPush, _ row: JSONValue, isAmbient: Bool, _ name: Comment) {
        let counters = row["counters"]?.object?.keys ?? []
        func counted(_ counter: String) -> Set<String> {
            Set(
                counters.filter { $0.hasPrefix(counter) }.compactMap {
                    $0.split(separator: "\"").dropFirst().first.map(String.init)
                })
        }
        let types: [IstiodPush.Content: String] = [
            .clusters: "cds", .endpoints: "eds", .listeners: "lds", .names: "nds",
        ]
        let changesAddresses = !push.addresses.isEmpty || !push.removedAddresses.isEmpty
        let pushed = push.contents.compactMap { types[$0] } + (isAmbient && changesAddresses ? ["wds"] : [])
        #expect(counted("pilot_xds_pushes") == Set(pushed), name)
        let triggers = counted("pilot_push_triggers")
        #expect(triggers.contains("ambient") == (isAmbient && changesAddresses), name)
        #expect(triggers.contains("config") == (push.scope == .full([.rule])), name)
        #expect(triggers.contains("service") == push.scope.changesService, name)
        if !push.scope.changesService, push.scope != .full([.rule]) {
            #expect(triggers.contains("endpoint") == (push.scope != .nothing), name)
        }
    }
}

extension IstiodPush {
    fileprivate var changesService: Bool {
        guard case .full(let reasons) = self else { return false }
        return reasons.contains { reason in
            switch reason {
            case .appears, .disappears, .changed: true
            default: false
            }
        }
    }
}

package import Deliveries
package import IstioAPI

extension Publications {
    /// How an object should be; `nil` for one that this centre has nothing to do with.
    package func wanted(_ key: ResourceKey) -> Wanted? {
        if let published = table[key] {
            return .present(.manifest(published.manifest.owned(by: self, published.document)))
        }
        if let kept = removals.keeps(key) { return kept.map { .present(.manifest($0)) } ?? .undecided }
        if seeds[key] != nil { return .undecided }
        return gone.contains(key) ? .absent : nil
    }

    /// The objects that are wanted, in any order.
    package var keys: [ResourceKey] { Array(table.keys) }

    package var resources: [Resource] {
        table.values.map { .manifest($0.manifest.owned(by: self, $0.document)) }
    }

    /// Objects of this centre stand in a cluster.
    package mutating func found(_ objects: [ResourceKey: String], now: Duration) -> Effects {
        var effects = Effects()
        let new = objects.filter { key, _ in
            table[key] == nil && removals.keeps(key) == nil && seeds[key] == nil && !gone.contains(key)
        }
        seeds.merge(new) { $1 }
        if !new.isEmpty, health.isKnown { settleSeeds(isEmptyAnswer: documents.isEmpty, now: now, &effects) }
        return effects
    }

    /// Makes the table anew, and hands what is no longer in it to the guard.
    mutating func update(isEmptyAnswer: Bool = false, now: Duration, _ effects: inout Effects) {
        let before = table
        makeTable(before)
        for (key, published) in table {
            let old = before[key]
            if old?.manifest != published.manifest || old?.document != published.document {
                effects.changed.insert(key)
            }
            seeds[key] = nil
            gone.remove(key)
            if removals.keeps(key) != nil || old == nil { take(removals.returned(key), &effects) }
        }
        var lost: [ResourceKey: Manifest?] = [:]
        for (key, published) in before where table[key] == nil {
            lost[key] = .some(published.manifest.owned(by: self, published.document))
        }
        take(removals.lost(lost, isEmptyAnswer: isEmptyAnswer, standing: table.count, now: now), &effects)
        if health.isKnown { settleSeeds(isEmptyAnswer: isEmptyAnswer, now: now, &effects) }
    }

    /// What an earlier run published and is not published now goes to the guard, but for documents that can't be read.
    private mutating func settleSeeds(isEmptyAnswer: Bool, now: Duration, _ effects: inout Effects) {
        let lost = seeds.filter { key, name in
            guard let document = documents[name] else { return true }
            return document.isKnown && !document.refused.contains(key)
        }
        if lost.isEmpty { return }
        for key in lost.keys { seeds[key] = nil }
        let objects = lost.mapValues { _ in Manifest?.none }
        take(removals.lost(objects, isEmptyAnswer: isEmptyAnswer, standing: table.count, now: now), &effects)
        // Without a guard they go at once. With one, they are looked at when it decides.
        effects.changed.formUnion(gone.intersection(lost.keys))
    }

    /// Of two documents with one object, or two ServiceEntries with one host, the one that stands keeps it, and else the
    /// first one by name.
    private mutating func makeTable(_ before: [ResourceKey: Published]) {
        table = [:]
        collisions = [:]
        var hosts: [String: ResourceKey] = [:]
        let all = documents.flatMap { name, document in
            document.manifests.map { Published(document: name, manifest: $0) }
        }
        let sorted = all.sorted { one, other in
            let (first, second) = (before[one.manifest.key]?.document, before[other.manifest.key]?.document)
            return (first == one.document ? 0 : 1, one.document, one.manifest.key)
                < (second == other.document ? 0 : 1, other.document, other.manifest.key)
        }
        for published in sorted {
            let (key, document) = (published.manifest.key, published.document)
            if let other = table[key] {
                collisions[document, default: []].append(
                    "\(key.text): it is in '\(other.document)' too, which keeps it")
                continue
            }
            if key.kind == .serviceEntry {
                if let host = published.manifest.hosts.first(where: { hosts[$0] != nil }), let other = hosts[host] {
                    collisions[document, default: []].append(
                        "\(key.text): \(other) has the host '\(host)' and keeps it")
                    continue
                }
                for host in published.manifest.hosts { hosts[host] = key }
            }
            table[key] = published
        }
    }

    mutating func take(_ verdict: RemovalGuard.Verdict, _ effects: inout Effects) {
        if gone.count + verdict.gone.count > Self.goneLimit { gone = [] }
        gone.formUnion(verdict.gone)
        gone.subtract(verdict.held)
        effects.changed.formUnion(verdict.gone)
        effects.changed.formUnion(verdict.held)
        if verdict.holdBegins { effects.holdBegan = true }
        if verdict.holdEnds { effects.holdEnded = true }
    }
}

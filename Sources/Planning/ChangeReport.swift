package import IstioAPI
internal import JSON

/// A change in words: what happens to one object, what differs, and what istiod will push because of it.
package struct ChangeReport: Sendable, Hashable {
    package enum Action: String, Sendable, Hashable, CaseIterable {
        case create
        case change
        case delete
        case conflict
    }

    package var key: ResourceKey
    package var action: Action
    /// What istiod pushes, or why nothing can be done.
    package var note: String
    /// What differs, a line each: it begins with `+` for what comes, `-` for what goes, `~` for what changes.
    package var details: [String]

    /// `nil` where nothing changes.
    package init?(_ key: ResourceKey, _ change: Change) {
        self.key = key
        switch change {
        case .none:
            return nil
        case .create(let entry):
            action = .create
            note = "\(PushScope.full(because: "the service is new"))"
            let endpoints = entry.spec["endpoints"]?.array ?? []
            details =
                entry.ports.map { "+ port \($0.number) \($0.name)" } + entry.addresses.map { "+ address \($0)" }
                + endpoints.map { "+ endpoint \(Self.text(of: $0))" }
        case .patch(let actual, let patch, let scope):
            action = .change
            note = "\(scope)"
            details = Self.differences(actual, patch)
        case .delete(let actual):
            action = .delete
            note = "\(PushScope.full(because: "the service goes"))"
            details = (actual.spec["endpoints"]?.array ?? []).map { "- endpoint \(Self.text(of: $0))" }
        case .conflict(let reason):
            action = .conflict
            note = reason
            details = []
        }
    }

    private static func differences(_ actual: ActualObject, _ patch: JSONValue) -> [String] {
        var lines: [String] = []
        for member in patch["spec"]?.object?.members ?? [] {
            let before = actual.spec[member.key]
            if member.key == "endpoints" {
                lines += endpointDifferences(from: before?.array ?? [], to: member.value.array ?? [])
            } else {
                lines.append("~ spec.\(member.key): \(compact(before)) → \(compact(member.value))")
            }
        }
        let before = ["labels": actual.labels, "annotations": actual.annotations]
        for (section, values) in before.sorted(by: { $0.key > $1.key }) {
            for member in patch["metadata"]?[section]?.object?.members ?? [] {
                let old = compact(values[member.key].map { .string($0) })
                lines.append("~ metadata.\(section)[\(member.key)]: \(old) → \(compact(member.value))")
            }
        }
        return lines
    }

    private static func endpointDifferences(from: [JSONValue], to: [JSONValue]) -> [String] {
        func byPlace(_ endpoints: [JSONValue]) -> [String: JSONValue] {
            Dictionary(endpoints.map { (place(of: $0), $0) }, uniquingKeysWith: { first, _ in first })
        }
        let before = byPlace(from)
        let after = byPlace(to)
        return Set(before.keys).union(after.keys).sorted().compactMap { place in
            switch (before[place], after[place]) {
            case (nil, let new?): "+ endpoint \(text(of: new))"
            case (let old?, nil): "- endpoint \(text(of: old))"
            case (let old?, let new?) where old != new: "~ endpoint \(text(of: old)) → \(text(of: new))"
            default: nil
            }
        }
    }

    private static func place(of endpoint: JSONValue) -> String {
        let ports = endpoint["ports"]?.object?.members.map { "\($0.value.integer ?? 0)" } ?? []
        return ([endpoint["address"]?.string ?? ""] + ports).joined(separator: ":")
    }

    /// `10.1.0.1:20880 weight=200 version=1.2`
    private static func text(of endpoint: JSONValue) -> String {
        let extras = ["weight", "locality"].compactMap { key in endpoint[key].map { "\(key)=\(plain($0))" } }
        let labels = (endpoint["labels"]?.object?.members ?? []).map { "\($0.key)=\(plain($0.value))" }
        return ([place(of: endpoint)] + extras + labels).joined(separator: " ")
    }

    private static func plain(_ value: JSONValue) -> String { value.string ?? compact(value) }

    private static func compact(_ value: JSONValue?) -> String {
        guard let value, value != .null else { return "nothing" }
        return String(decoding: value.bytes, as: UTF8.self)
    }
}

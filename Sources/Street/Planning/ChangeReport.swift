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
    /// - Parameter warning: What keeps the object from having its effect.
    package init?(_ key: ResourceKey, _ change: Change, push: IstiodPush, warning: String? = nil) {
        self.key = key
        note = "\(push)"
        switch change {
        case .none:
            return nil
        case .create(let resource):
            action = .create
            details = Self.parts(of: resource)
        case .patch(let actual, let patch):
            action = .change
            details = Self.differences(actual, patch)
        case .delete(let actual):
            action = .delete
            details = Self.endpoints(actual.spec, of: key.kind).map { "- endpoint \(Self.text(of: $0))" }
        case .conflict(let reason):
            action = .conflict
            note = reason
            details = []
        }
        if let warning { details.append("! \(warning)") }
    }

    private static func parts(of resource: Resource) -> [String] {
        var lines: [String] = []
        switch resource {
        case .serviceEntry(let entry):
            lines += entry.ports.map { "+ port \($0.number) \($0.name)" } + entry.addresses.map { "+ address \($0)" }
        case .destinationRule(let rule):
            lines += (rule.spec.object?.members ?? []).map { "+ spec.\($0.key): \(compact($0.value))" }
        case .manifest(let manifest):
            lines += (manifest.spec.object?.members ?? []).map { "+ spec.\($0.key): \(compact($0.value))" }
            return lines
        case .workloadEntry: break
        }
        return lines + endpoints(resource.spec, of: resource.key.kind).map { "+ endpoint \(text(of: $0))" }
    }

    private static func endpoints(_ spec: JSONValue, of kind: ResourceKind) -> [JSONValue] {
        kind == .workloadEntry ? [spec] : spec["endpoints"]?.array ?? []
    }

    private static func differences(_ actual: ActualObject, _ patch: JSONValue) -> [String] {
        var lines: [String] = []
        for member in patch["spec"]?.object?.members ?? [] {
            let before = actual.spec[member.key]
            if member.key == "endpoints", member.value != .null {
                lines += endpointDifferences(from: before?.array ?? [], to: member.value.array ?? [])
            } else if member.key == "endpoints" {
                lines.append("~ \(before?.array?.count ?? 0) endpoints are objects of their own from now on")
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

    /// What goes, then what changes or comes, in the order of the lists; an endpoint that changes keeps its address and
    /// port.
    private static func endpointDifferences(from: [JSONValue], to: [JSONValue]) -> [String] {
        let old = from.removing(to)
        let new = to.removing(from)
        if old.isEmpty, new.isEmpty { return ["~ the order of the endpoints"] }
        var before = Dictionary(grouping: old, by: place)
        let additions = new.map { endpoint in
            guard let replaced = before[place(of: endpoint)]?.popLast() else {
                return "+ endpoint \(text(of: endpoint))"
            }
            return "~ endpoint \(text(of: replaced)) → \(text(of: endpoint))"
        }
        let removals = before.values.joined().map { "- endpoint \(text(of: $0))" }
        return removals.sorted() + additions
    }

    private static func place(of endpoint: JSONValue) -> String {
        let ports = endpoint["ports"]?.object?.members.map { "\($0.value.integer ?? 0)" } ?? []
        let address = endpoint["address"]?.string ?? ""
        return ([address.contains(":") ? "[\(address)]" : address] + ports).joined(separator: ":")
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

extension [JSONValue] {
    /// The elements that `others` doesn't have, or not as often.
    fileprivate func removing(_ others: [JSONValue]) -> [JSONValue] {
        var counts = others.reduce(into: [JSONValue: Int]()) { $0[$1, default: 0] += 1 }
        return filter { element in
            guard let count = counts[element], count > 0 else { return true }
            counts[element] = count - 1
            return false
        }
    }
}

internal import JSON

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// Turns what the store says into the documents that a client asked for.
struct APIServerPresentation: Sendable {
    let kind: ResourceStore.Kind
    let version: String
    let mediaType: APIServerMediaType
    /// For the column that tells an object's age.
    let now: @Sendable () -> Date

    func object(_ object: JSONObject) -> JSONValue {
        switch mediaType {
        case .table(let version): table(version, [object], resourceVersion: object.resourceVersion)
        case .metadata(let version): .object(partial(object, version))
        case .object, .discovery: .object(object.shown(as: kind, self.version))
        }
    }

    func list(_ list: ResourceStore.List) -> JSONValue {
        var metadata = JSONObject(["resourceVersion": .string(list.resourceVersion)])
        metadata["continue"] = list.continuation.map(JSONValue.string)
        metadata["remainingItemCount"] = list.remainingItemCount.map { .integer(Int64($0)) }
        switch mediaType {
        case .table(let version):
            return table(version, list.items, metadata: metadata)
        case .metadata(let version):
            return [
                "kind": "PartialObjectMetadataList", "apiVersion": .string("meta.k8s.io/\(version)"),
                "metadata": .object(metadata), "items": .array(list.items.map { .object(partial($0, version)) }),
            ]
        case .object, .discovery:
            let items = list.items.map { JSONValue.object(kind.isCustom ? $0.shown(as: kind, version) : $0) }
            return [
                "kind": .string(kind.name + "List"), "apiVersion": .string(kind.apiVersion(version)),
                "metadata": .object(metadata), "items": .array(items),
            ]
        }
    }

    func event(_ event: ResourceStore.Event) -> JSONValue {
        ["type": .string(event.change.rawValue), "object": object(event.object)]
    }

    /// - Parameter endsInitialEvents: Marks the end of the state that a watch started with.
    func bookmark(resourceVersion: UInt64, endsInitialEvents: Bool = false) -> JSONValue {
        var object = JSONObject()
        object.metadata["resourceVersion"] = .string(String(resourceVersion))
        if endsInitialEvents { object.metadata["annotations"] = ["k8s.io/initial-events-end": "true"] }
        let shown: JSONValue =
            switch mediaType {
            case .table(let version): table(version, [], metadata: object.metadata)
            case .metadata(let version): .object(partial(object, version))
            case .object, .discovery: .object(object.shown(as: kind, version))
            }
        return ["type": "BOOKMARK", "object": shown]
    }

    static func error(_ status: APIServerStatus) -> JSONValue {
        ["type": "ERROR", "object": status.json]
    }

    private func partial(_ object: JSONObject, _ version: String) -> JSONObject {
        JSONObject([
            "kind": "PartialObjectMetadata", "apiVersion": .string("meta.k8s.io/\(version)"),
            "metadata": .object(object.metadata),
        ])
    }

    private func table(_ version: String, _ objects: [JSONObject], resourceVersion: String?) -> JSONValue {
        var metadata = JSONObject()
        metadata["resourceVersion"] = resourceVersion.map(JSONValue.string)
        return table(version, objects, metadata: metadata)
    }

    private func table(_ version: String, _ objects: [JSONObject], metadata: JSONObject) -> JSONValue {
        let now = now()
        let rows = objects.map { object -> JSONValue in
            let cells = [object.metadata["name"] ?? ""] + kind.columns.map { $0.cell(of: object, now: now) }
            return ["cells": .array(cells), "object": .object(partial(object, version))]
        }
        return [
            "kind": "Table", "apiVersion": .string("meta.k8s.io/\(version)"), "metadata": .object(metadata),
            "columnDefinitions": .array([Self.nameColumn] + kind.columns.map(\.definition)), "rows": .array(rows),
        ]
    }

    private static let nameColumn: JSONValue = [
        "name": "Name", "type": "string", "format": "name", "description": "The name of the object.", "priority": 0,
    ]
}

extension ResourceStore.Kind.Column {
    fileprivate var definition: JSONValue {
        [
            "name": .string(title), "type": .string(format.rawValue), "format": "",
            "description": .string(description), "priority": 0,
        ]
    }

    fileprivate func cell(of object: JSONObject, now: Date) -> JSONValue {
        var value: JSONValue? = .object(object)
        for member in path { value = value?[member] }
        guard let value else { return format == .age ? "<unknown>" : "" }
        switch (format, value) {
        case (.age, .string(let text)):
            guard let created = try? Date(text, strategy: .iso8601) else { return "<invalid>" }
            return .string(Self.age(seconds: Int(now.timeIntervalSince(created))))
        case (_, .string): return value
        default: return .string(String(decoding: value.bytes, as: UTF8.self))
        }
    }

    /// As `kubectl` prints it: two units where both say something.
    private static func age(seconds: Int) -> String {
        let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400)
        func pair(_ whole: Int, _ unit: String, _ part: Int, _ smaller: String) -> String {
            part == 0 ? "\(whole)\(unit)" : "\(whole)\(unit)\(part)\(smaller)"
        }
        return switch seconds {
        case ..<0: "0s"
        case ..<120: "\(seconds)s"
        case ..<600: pair(minutes, "m", seconds % 60, "s")
        case ..<10_800: "\(minutes)m"
        case ..<28_800: pair(hours, "h", minutes % 60, "m")
        case ..<172_800: "\(hours)h"
        case ..<691_200: pair(days, "d", hours % 24, "h")
        case ..<63_072_000: "\(days)d"
        default: pair(days / 365, "y", days % 365, "d")
        }
    }
}

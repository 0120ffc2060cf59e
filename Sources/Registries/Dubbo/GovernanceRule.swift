/// A rule of Dubbo's configuration centre that the mesh does not follow.
package enum GovernanceRule: String, Sendable, CaseIterable {
    case tag
    case condition
    case script
    case affinity
    case mesh
    /// An override that consumers apply. One for providers needs nothing: they register anew as it says.
    case consumer

    /// - Parameters:
    ///   - key: Such as `shop.tag-router` or `com.acme.Cart::.configurators`.
    ///   - content: Only asked for where the key does not tell.
    package init?(key: String, content: () -> String?) {
        if key.hasSuffix(".configurators") {
            guard content().map(Self.concernsConsumers) ?? false else { return nil }
            self = .consumer
            return
        }
        let rules: [(suffix: String, rule: GovernanceRule)] = [
            (".tag-router", .tag), (".condition-router", .condition), (".script-router", .script),
            (".affinity-router", .affinity), (".MESHAPPRULE", .mesh),
        ]
        guard let rule = rules.first(where: { key.hasSuffix($0.suffix) })?.rule else { return nil }
        self = rule
    }

    /// - Parameter node: A URL beside the providers of an interface, encoded once, such as `condition://0.0.0.0/…`.
    package init?(node: String) {
        guard let url = try? ProviderURL(node: node) else { return nil }
        switch (url.scheme, url["router"]) {
        case ("override", _), ("absent", _):
            guard url["side"] == "consumer" else { return nil }
            self = .consumer
        case ("script", _), (_, "script"): self = .script
        case ("tag", _), (_, "tag"): self = .tag
        case ("condition", _), ("route", _): self = .condition
        default: return nil
        }
    }

    /// Whether the key alone does not tell.
    package static func needsContent(key: String) -> Bool { key.hasSuffix(".configurators") }

    /// Whether the text has `side: consumer`, as YAML, as JSON or as a parameter of a URL.
    private static func concernsConsumers(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        let (side, consumer) = (Array("side".utf8), Array("consumer".utf8))
        var rest = bytes[...]
        while let start = rest.firstRange(of: side) {
            rest = rest[start.upperBound...]
            let value = rest.drop { "\"' :=\t".utf8.contains($0) }
            if value.startIndex > rest.startIndex, value.starts(with: consumer) { return true }
        }
        return false
    }

    package var subject: String {
        switch self {
        case .tag: "tag rules"
        case .condition: "condition rules"
        case .script: "script rules"
        case .affinity: "affinity rules"
        case .mesh: "mesh rules of Dubbo"
        case .consumer: "override rules for consumers"
        }
    }
}

internal import Services
package import Sources

/// Finds the conventions that entries of a registry follow.
package enum Detection {
    private static let sampleCount = 3

    /// - Parameters:
    ///   - presets: Those that are possible in the registry.
    ///   - servers: Those of the registry, for the configuration.
    ///   - keptAttributes: Those that the example has.
    /// - Returns: Those with the most instances first. An entry counts for one only: for that of the longest root.
    package static func conventions(
        of entries: [DeclaredEntry], among presets: [Declaration] = Declaration.presets, servers: [String],
        keptAttributes: [String] = FormatDefaults.declared.labels
    ) -> [DetectedConvention] {
        let ordered = presets.enumerated().sorted { left, right in
            (-left.element.specificity, left.offset) < (-right.element.specificity, right.offset)
        }.map(\.element)
        let decoders = ordered.map {
            DeclarationDecoder($0, protocols: DeclaredLayout.protocols, keptAttributes: keptAttributes)
        }
        var found = [Found](repeating: Found(), count: decoders.count)
        for entry in entries.sorted(by: { $0.key < $1.key }) {
            for (index, decoder) in decoders.enumerated() {
                guard case .instances(let instances) = decoder.decode(entry), !instances.isEmpty else { continue }
                found[index].add(entry, instances, hidesName: decoder.declaration.key.hasURL)
                break
            }
        }
        return zip(ordered, found).compactMap { $1.convention($0, servers) }.sorted { $0.instances > $1.instances }
    }

    private struct Found {
        var services: [ServiceID: [Instance]] = [:]
        var instances = 0
        var samples: [String] = []
        /// The first parts of the keys, for a layout without a root.
        var beginnings: Set<String> = []

        mutating func add(_ entry: DeclaredEntry, _ instances: [DeclaredInstance], hidesName: Bool) {
            for found in instances { services[found.service, default: []].append(found.instance) }
            self.instances += instances.count
            // A key that is a URL may have a password, and is long.
            let sample = hidesName ? DeclaredView.folder(of: entry.key) : entry.key
            if samples.count < sampleCount, !samples.contains(sample) { samples.append(sample) }
            let start = entry.key.hasPrefix("/") ? "/" : ""
            beginnings.insert("\(start)\(entry.key.dropFirst(start.count).prefix { $0 != "/" })/")
        }

        func convention(_ declaration: Declaration, _ servers: [String]) -> DetectedConvention? {
            guard let first = services.min(by: { $0.key < $1.key }) else { return nil }
            let prefixes = declaration.root.isEmpty ? beginnings.sorted() : []
            let layout = prefixes.isEmpty ? "" : ", prefixes: [\(prefixes.map(Self.quoted).joined(separator: ", "))]"
            return DetectedConvention(
                name: declaration.name, services: services.count, instances: instances, samples: samples,
                configuration: [
                    "servers: [\(servers.map(Self.quoted).joined(separator: ", "))]", "layouts:",
                    "  - { preset: \(declaration.name)\(layout) }",
                ],
                example: Service(
                    id: first.key, instances: first.value.sorted { $0.endpoint < $1.endpoint }, registries: []))
        }

        /// A text in double quotes, as YAML and JSON have it.
        private static func quoted(_ text: String) -> String {
            var quoted = ""
            for scalar in text.unicodeScalars {
                switch scalar {
                case "\"", "\\": quoted += "\\\(scalar)"
                case _ where scalar.value < 0x20: quoted += "\\x" + String(scalar.value + 0x100, radix: 16).dropFirst()
                default: quoted.unicodeScalars.append(scalar)
                }
            }
            return "\"\(quoted)\""
        }
    }
}

extension Declaration {
    /// How little else than this convention its keys can be.
    fileprivate var specificity: Int { root.utf8.count * 2 + (key.captures.contains("address") ? 0 : 1) }
}

internal import Services
package import Settings

extension DeclaredLayout {
    /// Reads the layouts below a key.
    /// - Throws: `ConfigurationError` for what can't be meant.
    package static func layouts(
        _ section: ConfigurationSection, _ key: String
    ) throws(ConfigurationError) -> [DeclaredLayout] {
        var layouts: [DeclaredLayout] = []
        for layout in try section.mappings(key) ?? [] { layouts.append(try DeclaredLayout(layout)) }
        return layouts
    }

    /// The layout of a preset.
    /// - Returns: `nil` for an unknown one.
    package init?(preset: String, prefixes: [String] = []) {
        guard let declaration = Declaration.presets.first(where: { $0.name == preset }) else { return nil }
        self.init(declaration, prefixes: prefixes)
    }

    /// Why such a layout can't be read; `nil` where it can.
    package var problem: String? {
        declaration.root.isEmpty && declaration.key.beginning.count <= 1 && prefixes.isEmpty
            ? "the keys of '\(declaration.name)' begin with the service: name their beginnings at 'prefixes'" : nil
    }

    init(_ section: ConfigurationSection) throws(ConfigurationError) {
        let preset = try section.string("preset").flatMap { name in Declaration.presets.first { $0.name == name } }
        if let preset {
            self.init(preset)
        } else {
            guard let key = try section.parsed("key", { text throws(DeclarationError) in try KeyTemplate(text) }) else {
                throw section.failure("key", "is needed where there is no preset")
            }
            self.init(Declaration(name: "layout", root: "", key: key))
            declaration.value = [.json]
            if section.word("address") == nil {
                throw section.failure("address", "is needed where there is no preset")
            }
        }
        try declaration.read(section)
        prefixes = try section.strings("prefixes") ?? []
        if let filter = try section.mapping("services") { services = try NameFilter(filter) }
        guard declaration.key.captures.contains("service") || section.word("service") != nil || preset != nil else {
            throw section.failure("key", "has no '{service}', and 'service' names no path to it")
        }
        if let problem { throw section.failure("prefixes", problem) }
    }
}

extension Declaration {
    fileprivate mutating func read(_ section: ConfigurationSection) throws(ConfigurationError) {
        if let text = try section.string("root") { root = text }
        if let template = try section.parsed("key", { text throws(DeclarationError) in try KeyTemplate(text) }) {
            key = template
        }
        if let steps = try section.strings("value") { value = try section.decodings(steps) }
        endpoints = try section.path("endpoints") ?? endpoints
        service = try section.path("service") ?? service
        address = try section.path("address") ?? address
        port = try section.path("port") ?? port
        tlsPort = try section.path("tlsPort") ?? tlsPort
        tls = try section.path("tls") ?? tls
        protocolField = try section.path("protocolField") ?? protocolField
        weight = try section.path("weight") ?? weight
        application = try section.path("application") ?? application
        version = try section.path("version") ?? version
        if let number = try section.integer("defaultWeight", in: 1...1_000_000) { standardWeight = UInt32(number) }
        if let word = try section.string("zeroWeight") { zeroWeight = ZeroWeight(rawValue: word) ?? zeroWeight }
        if let word = try section.string("lasting") { takesLasting = word == "keep" }
        if let name = try section.string("protocol"),
            let known = DeclaredLayout.protocols.first(where: { $0.portProtocol.name == name })
        {
            standardProtocol = known.portProtocol
        }
        for text in try section.strings("protocols") ?? [] {
            let parts = text.split(separator: "=", maxSplits: 1).map(\.trimmedText)
            guard parts.count == 2,
                let known = DeclaredLayout.protocols.first(where: { $0.portProtocol.name == parts[1] })
            else { throw section.failure("protocols", "'\(text)' is not 'name = protocol' with a known protocol") }
            protocols[parts[0].lowercased()] = known.portProtocol
        }
        if let texts = try section.strings("labels") {
            (labelMaps, labels) = ([], [])
            for text in texts {
                if text.contains("=") {
                    labels.append(try section.named("labels", text))
                } else {
                    labelMaps.append(
                        try section.parse(
                            "labels", text, { text throws(DeclarationError) in try FieldExpression(text) }))
                }
            }
        }
        if let texts = try section.strings("qualifiers") {
            (qualifiers, standardQualifiers) = ([], [:])
            for text in texts { qualifiers.append(try section.named("qualifiers", text)) }
        }
        conditions = try section.conditions("where") ?? conditions
        enabled = try section.conditions("enabled") ?? enabled
        for side in try section.mappings("sides") ?? [] {
            guard let key = try side.parsed("key", { text throws(DeclarationError) in try KeyTemplate(text) }) else {
                continue
            }
            sides.append(
                Side(key: key, weight: try side.path("weight"), enabled: try side.conditions("enabled") ?? []))
        }
    }
}

extension ConfigurationSection {
    fileprivate func parse<Value>(
        _ key: String, _ text: String, _ parse: (String) throws(DeclarationError) -> Value
    ) throws(ConfigurationError) -> Value {
        do throws(DeclarationError) {
            return try parse(text)
        } catch {
            throw failure(key, error.message)
        }
    }

    fileprivate func parsed<Value>(
        _ key: String, _ parse: (String) throws(DeclarationError) -> Value
    ) throws(ConfigurationError) -> Value? {
        guard let text = try string(key) else { return nil }
        return try self.parse(key, text, parse)
    }

    fileprivate func path(_ key: String) throws(ConfigurationError) -> FieldExpression? {
        try parsed(key, { text throws(DeclarationError) in try FieldExpression(text) })
    }

    fileprivate func conditions(_ key: String) throws(ConfigurationError) -> [Condition]? {
        guard let texts = try strings(key) else { return nil }
        var conditions: [Condition] = []
        for text in texts {
            conditions.append(try parse(key, text, { text throws(DeclarationError) in try Condition(text) }))
        }
        return conditions
    }

    fileprivate func named(_ key: String, _ text: String) throws(ConfigurationError) -> Declaration.Named {
        let parts = text.split(separator: "=", maxSplits: 1).map(\.trimmedText)
        guard parts.count == 2, !parts[0].isEmpty else { throw failure(key, "'\(text)' is not 'name = path'") }
        return Declaration.Named(
            parts[0], try parse(key, parts[1], { text throws(DeclarationError) in try FieldExpression(text) }))
    }

    fileprivate func decodings(_ names: [String]) throws(ConfigurationError) -> [Decoding] {
        var steps: [Decoding] = []
        for name in names {
            let last = steps.last
            steps.append(
                try parse("value", name) { name throws(DeclarationError) in try Decoding(named: name, after: last) })
        }
        return steps
    }
}

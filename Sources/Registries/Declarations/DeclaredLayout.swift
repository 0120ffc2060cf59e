package import Services
package import Settings

/// A layout that is followed, as the configuration has it.
package struct DeclaredLayout: Hashable, Sendable {
    package var declaration: Declaration
    /// Only keys that begin with one of these are read, after the root. Empty for all of the root.
    package var prefixes: [String]
    package var services: NameFilter

    package init(_ declaration: Declaration, prefixes: [String] = [], services: NameFilter = NameFilter()) {
        self.declaration = declaration
        self.prefixes = prefixes
        self.services = services
    }

    /// The beginnings of all keys that are read.
    package var beginnings: [String] {
        let own = prefixes.isEmpty ? [declaration.key.beginning] : prefixes
        let sides = prefixes.isEmpty ? declaration.sides.map(\.key.beginning) : []
        let all = Set((own + sides).map { declaration.root + $0 })
        // What begins with another one is read with it.
        return all.filter { text in !all.contains { $0 != text && text.utf8.starts(with: $0.utf8) } }.sorted()
    }
}

extension [DeclaredLayout] {
    package func decoders(
        protocols: [ProtocolDefaults], keptAttributes: [String], hosts: HostRules
    ) -> [DeclarationDecoder] {
        map {
            DeclarationDecoder(
                $0.declaration, prefixes: $0.prefixes, services: $0.services, protocols: protocols,
                keptAttributes: keptAttributes,
                hosts: hosts)
        }
    }

    /// The beginnings of the keys of all layouts, each once.
    package var beginnings: [String] {
        let all = Set(flatMap(\.beginnings))
        return all.filter { text in !all.contains { $0 != text && text.utf8.starts(with: $0.utf8) } }.sorted()
    }
}

extension DeclaredLayout {
    /// The protocols that an instance may name.
    package static let protocols = [FormatDefaults.declared].protocols
}

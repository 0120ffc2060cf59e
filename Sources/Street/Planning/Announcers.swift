internal import IstioAPI
internal import JSON

/// The annotations that say which registries announce which endpoints. They only tell the next start for which registry
/// a removal has to wait, so an object that names too many of them needs no write of its own.
extension ActualObject {
    /// Whether the object differs from the desired one in these annotations only, and names every registry that it
    /// should.
    func saysEnough(for desired: Resource, _ ownership: Ownership) -> Bool {
        let registries = ownership.annotationPrefix + "registries"
        let announcers = ownership.annotationPrefix + "announcers"
        let own = annotations.filter { $0.key.hasPrefix(ownership.annotationPrefix) }
        var (mine, theirs) = (own, desired.annotations)
        switch key.kind {
        case .serviceEntry:
            let (known, wanted) = (Self.groups(mine[announcers]), Self.groups(theirs[announcers]))
            (mine[announcers], theirs[announcers]) = (nil, nil)
            // An endpoint that is not named is announced by all.
            return mine == theirs
                && known.allSatisfy { endpoint, names in wanted[endpoint].map(names.isSuperset) ?? false }
        case .workloadEntry:
            let (known, wanted) = (Self.names(mine[registries]), Self.names(theirs[registries]))
            (mine[registries], theirs[registries]) = (nil, nil)
            return mine == theirs && known.isSuperset(of: wanted)
        case .destinationRule, .virtualService, .sidecar, .envoyFilter: return false
        }
    }

    private static func names(_ text: String?) -> Set<Substring> { Set((text ?? "").split(separator: ",")) }

    /// The registries by endpoint.
    private static func groups(_ text: String?) -> [Substring: Set<Substring>] {
        guard let text, let groups = try? JSONValue(parsing: text.utf8) else { return [:] }
        var names: [Substring: Set<Substring>] = [:]
        for (registries, endpoints) in groups.strings {
            for endpoint in endpoints.split(separator: " ") { names[endpoint] = Self.names(registries) }
        }
        return names
    }
}

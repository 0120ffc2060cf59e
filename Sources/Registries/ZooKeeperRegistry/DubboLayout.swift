/// Where things stand in Dubbo's tree: `<root>/<interface>/providers/<provider URL>`.
struct DubboLayout: Sendable {
    enum Place: Equatable {
        case root
        case directory(String)
        case providers(directory: String)
        case provider(directory: String, node: String)
        /// An instance that is registered by application: `<applications>/<application>/<HOST:PORT>`.
        case applicationInstance(application: String, id: String)
        /// A rule of the configuration centre.
        case rule(key: String)
        /// A rule of one interface, from before the configuration centre.
        case interfaceRule(directory: String, node: String)
        /// Consumers, metadata, and whatever else lives in the trees.
        case other
    }

    /// Beside an interface's providers.
    static let ruleFolders = ["configurators", "routers"]

    /// Dubbo keeps these beside the interfaces.
    private static let reserved: Set<String> = ["config", "metadata", "mapping"]

    let root: String
    /// Where applications register, except for those of a registry with a `group`, whose applications stand in the
    /// root.
    let applications: String
    /// Where rules stand. Dubbo's configuration centre has its own root, which a registry's `group` does not change.
    let rules: String
    /// The root with the chroot below which it stands, for people.
    let fullRoot: String
    private let prefix: String

    init(root: String, chroot: String = "") {
        self.root = root
        let parent = String(root.prefix(upTo: root.lastIndex(of: "/") ?? root.startIndex))
        applications = parent + "/services"
        rules = root == "/" ? "/config/dubbo" : parent + "/dubbo/config/dubbo"
        fullRoot = root == "/" && !chroot.isEmpty ? chroot : chroot + root
        prefix = root == "/" ? "/" : root + "/"
    }

    func providers(of directory: String) -> String {
        prefix + directory + "/providers"
    }

    func path(of directory: String) -> String { prefix + directory }

    /// The trees outside the root that have something to count.
    var surroundings: [String] {
        [applications, rules].filter { path in path != root && !path.utf8.starts(with: prefix.utf8) }
    }

    /// Whether applications may stand beside the interfaces: a registry's `group` is the root of both.
    var mayHaveApplications: Bool { root != "/" && !root.hasSuffix("/dubbo") }

    func place(of path: String) -> Place {
        if path == root { return .root }
        if let key = Self.child(of: rules, path) { return key.contains("/") ? .other : .rule(key: String(key)) }
        if let rest = Self.child(of: applications, path), root != applications {
            let (application, id) = Self.split(rest)
            guard let id, !id.contains("/") else { return .other }
            return .applicationInstance(application: String(application), id: String(id))
        }
        guard path.utf8.starts(with: prefix.utf8) else { return .other }
        let (first, afterFirst) = Self.split(Substring(path.utf8.dropFirst(prefix.utf8.count)))
        let directory = String(first)
        if directory.isEmpty || Self.reserved.contains(directory) { return .other }
        guard let afterFirst else { return .directory(directory) }
        let (second, node) = Self.split(afterFirst)
        if node == nil, afterFirst.utf8.contains(UInt8(ascii: ":")) {
            return .applicationInstance(application: directory, id: String(afterFirst))
        }
        if let node, Self.ruleFolders.contains(String(second)), !node.isEmpty, !node.utf8.contains(UInt8(ascii: "/")) {
            return .interfaceRule(directory: directory, node: String(node))
        }
        guard second == "providers" else { return .other }
        guard let node else { return .providers(directory: directory) }
        // A name is a whole URL, which is long.
        return node.utf8.contains(UInt8(ascii: "/")) || node.isEmpty
            ? .other : .provider(directory: directory, node: String(node))
    }

    /// What follows a folder and its slash.
    private static func child(of folder: String, _ path: String) -> Substring? {
        guard path.utf8.count > folder.utf8.count + 1, path.utf8.starts(with: folder.utf8) else { return nil }
        let rest = path.utf8.dropFirst(folder.utf8.count)
        return rest.first == UInt8(ascii: "/") ? Substring(rest.dropFirst()) : nil
    }

    /// What stands before the first slash, and what follows it.
    private static func split(_ path: Substring) -> (Substring, Substring?) {
        guard let slash = path.utf8.firstIndex(of: UInt8(ascii: "/")) else { return (path, nil) }
        return (path[..<slash], path[path.utf8.index(after: slash)...])
    }

    /// Whether a change there can be of any concern. A watch on the whole tree tells of all that lives in it.
    func concerns(_ path: String) -> Bool {
        if case .other = place(of: path) { false } else { true }
    }

    /// Those children of the root that may be interfaces.
    func directories(among children: [String]) -> [InterfaceDirectory] {
        children.filter { !Self.reserved.contains($0) }.compactMap(InterfaceDirectory.init)
    }
}

internal import Dubbo

/// Where things stand in Dubbo's tree: `<root>/<interface>/providers/<provider URL>`.
struct DubboLayout: Sendable {
    enum Place: Equatable {
        case root
        case directory(String)
        case providers(directory: String)
        case provider(directory: String, node: String)
        /// Consumers, configurators, routers, and whatever else lives in the tree.
        case other
    }

    /// Dubbo keeps these beside the interfaces.
    private static let reserved: Set<String> = ["config", "metadata", "mapping"]

    let root: String
    private let prefix: String

    init(root: String) {
        self.root = root
        prefix = root == "/" ? "/" : root + "/"
    }

    func providers(of directory: String) -> String {
        prefix + directory + "/providers"
    }

    func place(of path: String) -> Place {
        if path == root { return .root }
        guard path.utf8.starts(with: prefix.utf8) else { return .other }
        let (first, afterFirst) = Self.split(Substring(path.utf8.dropFirst(prefix.utf8.count)))
        let directory = String(first)
        if directory.isEmpty || Self.reserved.contains(directory) { return .other }
        guard let afterFirst else { return .directory(directory) }
        let (second, node) = Self.split(afterFirst)
        guard second == "providers" else { return .other }
        guard let node else { return .providers(directory: directory) }
        // A name is a whole URL, which is long.
        return node.utf8.contains(UInt8(ascii: "/")) || node.isEmpty
            ? .other : .provider(directory: directory, node: String(node))
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
    func directories(among children: [String]) -> [String] {
        children.filter { !Self.reserved.contains($0) && ProviderDecoder.interface(directory: $0) != nil }
    }
}

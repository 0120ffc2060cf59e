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
        let parts = Substring(path.utf8.dropFirst(prefix.utf8.count)).split(separator: "/", maxSplits: 3)
        guard let directory = parts.first.map(String.init), !Self.reserved.contains(directory) else { return .other }
        if parts.count == 1 { return .directory(directory) }
        guard parts[1] == "providers" else { return .other }
        switch parts.count {
        case 2: return .providers(directory: directory)
        case 3: return .provider(directory: directory, node: String(parts[2]))
        default: return .other
        }
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

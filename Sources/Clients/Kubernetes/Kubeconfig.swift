internal import FoundationEssentials

/// One or several kubeconfig files that count as one. Of several entries with one name, the first file's counts as a
/// whole. Of any other value, the first file's counts too.
struct Kubeconfig {
    /// The files in order of precedence; at least one.
    let files: [KubeconfigNode]

    /// - Parameter path: the file; `nil` takes the files that `$KUBECONFIG` lists, else `~/.kube/config`.
    /// - Throws: `KubernetesError` with `configuration`.
    init(path: String?, environment: Environment) throws(KubernetesError) {
        let list = path == nil ? environment["KUBECONFIG"].map { $0.split(separator: ":").map(String.init) } ?? [] : []
        if list.count > 1 {
            files = try Self.files(list)
        } else if let file = path ?? list.first {
            files = [try KubeconfigNode(file: file)]
        } else if let home = environment["HOME"] {
            files = [try KubeconfigNode(file: "\(home)/.kube/config")]
        } else {
            throw KubernetesError(code: .configuration, message: "no kubeconfig: neither KUBECONFIG nor HOME is set")
        }
    }

    /// Reads the files. Like other clients, it skips missing and empty ones.
    private static func files(_ list: [String]) throws(KubernetesError) -> [KubeconfigNode] {
        var files: [KubeconfigNode] = []
        for file in list where FileManager.default.fileExists(atPath: file) {
            if let root = try KubeconfigNode(fileIfNotEmpty: file) { files.append(root) }
        }
        guard !files.isEmpty else {
            throw KubernetesError(
                code: .configuration,
                message: "KUBECONFIG lists \(list.joined(separator: ", ")), and all these files are missing or empty")
        }
        return files
    }

    /// The entry of the selected context.
    ///
    /// - Parameter name: `nil` takes the `current-context`.
    func context(named name: String?) throws(KubernetesError) -> KubeconfigNode {
        var current: (file: KubeconfigNode, name: String)?
        for file in files where current == nil {
            if let name = try file.string("current-context") { current = (file, name) }
        }
        let known = try knownContexts()
        guard let wanted = name ?? current?.name else {
            throw files[0].failure("current-context", "is not set, so name a context; \(known)")
        }
        guard let context = try entry("context", named: wanted) else {
            let key = name == nil ? "current-context" : "contexts"
            throw (name == nil ? current?.file ?? files[0] : files[0]).failure(key, "no context '\(wanted)'; \(known)")
        }
        return context
    }

    /// Finds an entry. A kubeconfig keeps its maps as lists of `{name: …, <kind>: …}`; the first entry of a name
    /// counts.
    func entry(_ kind: String, named name: String) throws(KubernetesError) -> KubeconfigNode? {
        for file in files {
            for entry in try file.children("\(kind)s") where try entry.string("name") == name {
                guard let child = try entry.child(kind) else { throw entry.failure(kind, "is missing") }
                return child
            }
        }
        return nil
    }

    private func knownContexts() throws(KubernetesError) -> String {
        var names: [String] = []
        for file in files {
            for entry in try file.children("contexts") {
                guard let name = try entry.string("name").map({ "'\($0)'" }), !names.contains(name) else { continue }
                names.append(name)
            }
        }
        let subject = files.count == 1 ? "the file has" : "the files have"
        return "\(subject) \(names.isEmpty ? "none" : names.joined(separator: ", "))"
    }
}

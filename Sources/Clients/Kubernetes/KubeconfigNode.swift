internal import Yams

/// One mapping of a kubeconfig. It knows its position, so that errors name file, line, column and key.
struct KubeconfigNode {
    let file: String
    /// The keys from the root to this mapping, such as `users[2].user`.
    let path: String
    private let mapping: Node.Mapping

    private init(file: String, path: String, node: Node) throws(KubernetesError) {
        self.file = file
        self.path = path
        guard case .mapping(let mapping) = node else {
            throw Self.failure(
                file, node.mark, "\(path.isEmpty ? "the file" : path) must be a mapping of keys to values")
        }
        self.mapping = mapping
    }

    /// Reads a whole file.
    init(file: String) throws(KubernetesError) {
        guard let root = try Self(fileIfNotEmpty: file) else { throw Self.failure(file, nil, "it is empty") }
        self = root
    }

    init?(fileIfNotEmpty file: String) throws(KubernetesError) {
        let text = String(decoding: try contents(ofFile: file, "kubeconfig"), as: UTF8.self)
        let root: Node?
        do {
            root = try Yams.compose(yaml: text)
        } catch let error as YamlError {
            throw Self.failure(file, error)
        } catch {
            throw Self.failure(file, nil, "it is not YAML")
        }
        guard let root else { return nil }
        try self.init(file: file, path: "", node: root)
    }

    func failure(_ key: String, _ why: String) -> KubernetesError {
        let mark = mapping[Node(key)]?.mark ?? mapping.mark
        return Self.failure(file, mark, "\(keyPath(key)): \(why)")
    }

    private static func failure(_ file: String, _ mark: Mark?, _ why: String) -> KubernetesError {
        let place = mark.map { ":\($0.line):\($0.column)" } ?? ""
        return KubernetesError(code: .configuration, message: "kubeconfig \(file)\(place): \(why)")
    }

    /// Translates an error of the YAML parser without the parser's text, which quotes the file and may show secrets.
    private static func failure(_ file: String, _ error: YamlError) -> KubernetesError {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            failure(file, mark, "it is not YAML: \(problem)")
        case .duplicatedKeysInMapping(let keys, let context):
            failure(file, context.mark, "one mapping holds keys twice: \(keys.joined(separator: ", "))")
        default:
            failure(file, nil, "it is not YAML")
        }
    }

    private func keyPath(_ key: String) -> String {
        path.isEmpty ? key : "\(path).\(key)"
    }

    /// The value of a key. A key without a value, or with `null`, counts as absent.
    func node(_ key: String) -> Node? {
        guard let node = mapping[Node(key)], node.null == nil else { return nil }
        return node
    }

    func has(_ key: String) -> Bool {
        node(key) != nil
    }

    func child(_ key: String) throws(KubernetesError) -> Self? {
        guard let node = node(key) else { return nil }
        return try Self(file: file, path: keyPath(key), node: node)
    }

    func children(_ key: String) throws(KubernetesError) -> [Self] {
        guard let node = node(key) else { return [] }
        guard case .sequence(let sequence) = node else { throw failure(key, "must be a list") }
        var children: [Self] = []
        for (index, element) in sequence.enumerated() {
            children.append(try Self(file: file, path: "\(keyPath(key))[\(index)]", node: element))
        }
        return children
    }
}

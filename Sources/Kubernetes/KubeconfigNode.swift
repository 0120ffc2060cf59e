internal import FoundationEssentials
internal import Yams

/// One mapping of a kubeconfig. It knows where it stands, so that complaints name file, line, column and key.
struct KubeconfigNode {
    let file: String
    /// The keys that lead here, such as `users[2].user`.
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
        let text = String(decoding: try contents(ofFile: file, "kubeconfig"), as: UTF8.self)
        let root: Node?
        do {
            root = try Yams.compose(yaml: text)
        } catch let error as YamlError {
            throw Self.failure(file, error)
        } catch {
            throw Self.failure(file, nil, "it is not YAML")
        }
        guard let root else { throw Self.failure(file, nil, "it is empty") }
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

    /// The error's own text quotes the file, which may hold secrets.
    private static func failure(_ file: String, _ error: YamlError) -> KubernetesError {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            failure(file, mark, "it is not YAML: \(problem)")
        case .duplicatedKeysInMapping(let keys, let context):
            failure(file, context.mark, "keys appear twice in one mapping: \(keys.joined(separator: ", "))")
        default:
            failure(file, nil, "it is not YAML")
        }
    }

    private func keyPath(_ key: String) -> String {
        path.isEmpty ? key : "\(path).\(key)"
    }

    /// A key without a value, or with `null`, counts as absent.
    private func node(_ key: String) -> Node? {
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

    /// The value's text; `nil` also for an empty one.
    func string(_ key: String) throws(KubernetesError) -> String? {
        guard let node = node(key) else { return nil }
        guard case .scalar(let scalar) = node else { throw failure(key, "must be a text") }
        return scalar.string.isEmpty ? nil : scalar.string
    }

    func bool(_ key: String) throws(KubernetesError) -> Bool {
        guard let node = node(key) else { return false }
        guard let value = node.bool else { throw failure(key, "must be true or false") }
        return value
    }

    /// A path, resolved against the kubeconfig's folder.
    func path(_ key: String) throws(KubernetesError) -> String? {
        guard let path = try string(key) else { return nil }
        guard !path.hasPrefix("/"), let slash = file.lastIndex(of: "/") else { return path }
        return file[...slash] + path
    }

    /// Bytes that stand in the file itself (`<key>-data`, base64) or in one that it names (`<key>`); the former win.
    func bytes(_ key: String, _ what: String) throws(KubernetesError) -> [UInt8]? {
        let dataKey = "\(key)-data"
        if let text = try string(dataKey) {
            // YAML may have folded it over lines.
            guard let data = Data(base64Encoded: String(text.filter { !$0.isWhitespace })) else {
                throw failure(dataKey, "is not base64")
            }
            return Array(data)
        }
        guard let path = try path(key) else { return nil }
        do {
            return try contents(ofFile: path, what)
        } catch {
            throw failure(key, error.message)
        }
    }
}

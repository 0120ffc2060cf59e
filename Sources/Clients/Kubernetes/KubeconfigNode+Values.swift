internal import FoundationEssentials
internal import JSON
internal import Yams

extension KubeconfigNode {
    /// The value's text; `nil` when it is absent or empty.
    func string(_ key: String) throws(KubernetesError) -> String? {
        guard let node = node(key) else { return nil }
        guard case .scalar(let scalar) = node else { throw failure(key, "must be a string") }
        return scalar.string.isEmpty ? nil : scalar.string
    }

    func bool(_ key: String) throws(KubernetesError) -> Bool {
        guard let node = node(key) else { return false }
        guard let value = node.bool else { throw failure(key, "must be true or false") }
        return value
    }

    /// A list of strings; empty when absent.
    func strings(_ key: String) throws(KubernetesError) -> [String] {
        guard let node = node(key) else { return [] }
        guard let texts = Self.texts(node) else { throw failure(key, "must be a list of strings") }
        return texts
    }

    /// A mapping of keys to lists of strings; empty when absent.
    func stringLists(_ key: String) throws(KubernetesError) -> [String: [String]] {
        guard let node = node(key) else { return [:] }
        guard case .mapping(let mapping) = node else { throw failure(key, "must be a mapping of keys to lists") }
        var lists: [String: [String]] = [:]
        for (name, value) in mapping {
            guard case .scalar(let scalar) = name, let texts = Self.texts(value) else {
                throw failure(key, "must be a mapping of keys to lists of strings")
            }
            lists[scalar.string] = texts
        }
        return lists
    }

    private static func texts(_ node: Node) -> [String]? {
        guard case .sequence(let sequence) = node else { return nil }
        var texts: [String] = []
        for element in sequence {
            guard case .scalar(let scalar) = element else { return nil }
            texts.append(scalar.string)
        }
        return texts
    }

    /// A path. A relative path is resolved against the kubeconfig's folder.
    ///
    /// - Parameter onlyIfSeparated: leaves a text without a slash, such as a program's name, as it is.
    func path(_ key: String, onlyIfSeparated: Bool = false) throws(KubernetesError) -> String? {
        guard let path = try string(key) else { return nil }
        if onlyIfSeparated, !path.contains("/") { return path }
        guard !path.hasPrefix("/"), let slash = file.lastIndex(of: "/") else { return path }
        return file[...slash] + path
    }

    /// PEM in the kubeconfig itself (`<key>-data`, base64) or in a file that it names (`<key>`). The former wins.
    func pem(_ key: String, _ what: String) throws(KubernetesError) -> ClusterConfiguration.PEM? {
        let dataKey = "\(key)-data"
        if let text = try string(dataKey) {
            // YAML may fold the text over several lines.
            guard let data = Data(base64Encoded: String(text.filter { !$0.isWhitespace })) else {
                throw failure(dataKey, "is not base64")
            }
            return .bytes(Array(data))
        }
        guard let path = try path(key) else { return nil }
        do {
            // The file is read here only to fail early, with the key's position.
            _ = try contents(ofFile: path, what)
        } catch {
            throw failure(key, error.message)
        }
        return .file(path)
    }

    /// Any value, as JSON; `nil` when absent.
    func json(_ key: String) throws(KubernetesError) -> JSONValue? {
        try node(key).map { (node) throws(KubernetesError) in try json(node, under: key) }
    }

    private func json(_ node: Node, under key: String) throws(KubernetesError) -> JSONValue {
        switch node {
        case .mapping(let mapping):
            var object = JSONObject()
            for (name, value) in mapping {
                guard case .scalar(let scalar) = name else { throw failure(key, "holds a key that is not a string") }
                object[scalar.string] = try json(value, under: key)
            }
            return .object(object)
        case .sequence(let sequence):
            var array: [JSONValue] = []
            for element in sequence { array.append(try json(element, under: key)) }
            return .array(array)
        case .scalar(let scalar):
            guard [.any, .plain].contains(scalar.style) else { return .string(scalar.string) }
            if node.null != nil { return .null }
            if let value = node.bool { return .bool(value) }
            // Most YAML numbers are JSON numbers. The others stay strings.
            if node.int != nil || node.float != nil, let number = try? JSONValue(parsing: Array(scalar.string.utf8)) {
                return number
            }
            return .string(scalar.string)
        case .alias: throw failure(key, "holds an alias, which is not supported")
        }
    }
}

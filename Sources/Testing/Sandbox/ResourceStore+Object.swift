internal import JSON

/// An object as it is stored: without `apiVersion` and `kind`, which belong to the version that a reader asks for.
extension JSONObject {
    var metadata: JSONObject {
        get { self["metadata"]?.object ?? JSONObject() }
        set { self["metadata"] = .object(newValue) }
    }

    var labels: [String: String] { metadata["labels"]?.strings ?? [:] }
    var resourceVersion: String? { metadata["resourceVersion"]?.string }
    var hasFinalizers: Bool { metadata["finalizers"]?.array?.isEmpty == false }

    /// Everything that counts for `metadata.generation`.
    var specification: JSONObject {
        var rest = self
        rest["metadata"] = nil
        rest["status"] = nil
        return rest
    }

    /// This object as version `version` of `kind` shows it.
    func shown(as kind: ResourceStore.Kind, _ version: String) -> JSONObject {
        var shown = self
        shown["apiVersion"] = .string(kind.apiVersion(version))
        shown["kind"] = .string(kind.name)
        return shown
    }
}

extension ResourceStore {
    /// Names an object among those of its kind. The namespace is empty for objects of the cluster.
    package struct Key: Sendable, Hashable, Comparable {
        package var namespace: String
        package var name: String

        package init(namespace: String, name: String) {
            self.namespace = namespace
            self.name = name
        }

        package static func < (left: Key, right: Key) -> Bool {
            (left.namespace, left.name) < (right.namespace, right.name)
        }
    }

    /// The objects of one kind, in the order in which a list shows them.
    struct Objects: Sendable {
        private(set) var keys: [Key] = []
        private var objects: [Key: JSONObject] = [:]

        subscript(key: Key) -> JSONObject? {
            get { objects[key] }
            set {
                let wasPresent = objects.updateOrRemove(newValue, at: key)
                switch (wasPresent, newValue != nil) {
                case (false, true): keys.insert(key, at: lowerBound(key))
                case (true, false): keys.remove(at: lowerBound(key))
                default: break
                }
            }
        }

        /// The first position whose key is not before `key`.
        func lowerBound(_ key: Key) -> Int {
            var low = 0
            var high = keys.count
            while low < high {
                let middle = (low + high) / 2
                if keys[middle] < key { low = middle + 1 } else { high = middle }
            }
            return low
        }

        /// The positions of a namespace's keys, or of all when it is `nil`.
        func range(of namespace: String?) -> Range<Int> {
            guard let namespace else { return keys.indices }
            let start = lowerBound(Key(namespace: namespace, name: ""))
            // U+0000 follows directly upon the namespace's own name, and no name holds it.
            return start..<lowerBound(Key(namespace: namespace + "\0", name: ""))
        }
    }
}

extension Dictionary {
    /// Whether a value was there before.
    fileprivate mutating func updateOrRemove(_ value: Value?, at key: Key) -> Bool {
        if let value { updateValue(value, forKey: key) != nil } else { removeValue(forKey: key) != nil }
    }
}

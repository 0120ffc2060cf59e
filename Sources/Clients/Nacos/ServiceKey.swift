/// The name of a service within a namespace: its group and its own name.
///
/// Two groups may hold services of the same name. A name may contain `:`, as Dubbo's names do, but never `@@`.
package struct ServiceKey: Hashable, Sendable {
    package static let defaultGroup = "DEFAULT_GROUP"

    package var group: String
    package var name: String

    package init(group: String = Self.defaultGroup, name: String) {
        self.group = group
        self.name = name
    }

    /// Reads a name as HTTP answers of 1.x have it: `group@@name`, or the name alone.
    ///
    /// - Parameter group: The group of a name without a group.
    /// - Returns: `nil` for an empty group or name.
    package init?(groupedName text: some StringProtocol, defaultGroup group: String = Self.defaultGroup) {
        let parts = text.split(separatedBy: "@@")
        switch parts.count {
        case 1: self.init(group: group, name: parts[0])
        case 2: self.init(group: parts[0], name: parts[1])
        default: return nil
        }
        if self.group.isEmpty || name.isEmpty { return nil }
    }

    /// Reads the key of a fuzzy watch: `namespace@@group@@name`.
    ///
    /// - Returns: `nil` for any other text, and for a key of another namespace.
    init?(fuzzyKey text: String, namespace: String) {
        let parts = text.split(separatedBy: "@@")
        guard parts.count == 3, parts[0] == namespace, !parts[1].isEmpty, !parts[2].isEmpty else { return nil }
        self.init(group: parts[1], name: parts[2])
    }

    /// The key as fuzzy watches have it.
    func fuzzyKey(namespace: String) -> String { "\(namespace)@@\(group)@@\(name)" }
}

extension ServiceKey: CustomStringConvertible {
    package var description: String { "\(group)@@\(name)" }
}

extension ServiceKey: Comparable {
    package static func < (left: ServiceKey, right: ServiceKey) -> Bool {
        (left.group, left.name) < (right.group, right.name)
    }
}

extension StringProtocol {
    /// The parts between the separators, empty ones too. The standard library splits by one character only.
    func split(separatedBy separator: String) -> [String] {
        var parts: [String] = []
        var rest = Array(utf8)[...]
        let pattern = Array(separator.utf8)
        var index = rest.startIndex
        while index + pattern.count <= rest.endIndex {
            if rest[index..<index + pattern.count].elementsEqual(pattern) {
                parts.append(String(decoding: rest[rest.startIndex..<index], as: UTF8.self))
                rest = rest[(index + pattern.count)...]
                index = rest.startIndex
            } else {
                index += 1
            }
        }
        return parts + [String(decoding: rest, as: UTF8.self)]
    }
}

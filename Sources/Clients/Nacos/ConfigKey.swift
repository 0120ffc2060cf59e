internal import JSON

/// The name of a configuration within a namespace.
package struct ConfigKey: Hashable, Sendable {
    package var group: String
    package var dataID: String

    package init(group: String = ServiceKey.defaultGroup, dataID: String) {
        self.group = group
        self.dataID = dataID
    }

    /// Reads the key of a fuzzy watch: `dataId+group+namespace`. In its parts `+` stands as `%2B` and `%` as `%25`.
    init?(fuzzyKey text: String, namespace: String) {
        let parts = text.split(separator: "+", omittingEmptySubsequences: false).map { part in
            String(part).replacing("%2B", with: "+").replacing("%25", with: "%")
        }
        guard parts.count == 3, parts[2] == namespace, !parts[0].isEmpty, !parts[1].isEmpty else { return nil }
        self.init(group: parts[1], dataID: parts[0])
    }

    func fuzzyKey(namespace: String) -> String {
        [dataID, group, namespace].map { part in
            part.replacing("%", with: "%25").replacing("+", with: "%2B")
        }.joined(separator: "+")
    }
}

extension ConfigKey: CustomStringConvertible {
    package var description: String { "\(group)/\(dataID)" }
}

/// The content of a configuration.
package struct ConfigContent: Hashable, Sendable {
    package var content: String
    /// The digest of the content, as `listen` takes it.
    package var md5: String
    /// `yaml`, `json`, `text` or another type that the publisher chose; `nil` where the server doesn't say it.
    package var type: String?

    package init(content: String, md5: String, type: String?) {
        self.content = content
        self.md5 = md5
        self.type = type
    }
}

extension ConfigContent {
    /// Reads a `ConfigQueryResponse`.
    init?(_ body: JSONValue) {
        guard let content = body["content"]?.string else { return nil }
        self.init(
            content: content, md5: body["md5"]?.string ?? MD5.hex(of: content.utf8),
            type: body["contentType"]?.string)
    }
}

package import JSON
internal import Yams

/// A text that can't be read as YAML.
package struct UnreadableYAML: Error, Sendable, CustomStringConvertible {
    package var description: String
}

extension JSONValue {
    /// Reads one YAML document with the types of YAML's core schema. JSON is YAML, too.
    /// - Throws: `UnreadableYAML`.
    package init(yaml text: String) throws(UnreadableYAML) {
        let documents = try Self.all(yaml: text)
        guard let first = documents.first else { throw UnreadableYAML(description: "it is empty") }
        guard documents.count == 1 else { throw UnreadableYAML(description: "it has several documents") }
        self = first
    }

    /// Reads all documents of a text, without empty ones.
    /// - Throws: `UnreadableYAML`, also for a text whose aliases stand for far more than it holds.
    package static func documents(yaml text: String) throws(UnreadableYAML) -> [JSONValue] {
        try all(yaml: text).filter { $0 != .null }
    }

    private static func all(yaml text: String) throws(UnreadableYAML) -> [JSONValue] {
        do {
            var budget = nodeLimit
            var documents: [JSONValue] = []
            // The sequence notes its error in itself, and a loop would go over a copy.
            var nodes = try Yams.compose_all(yaml: text)
            while let node = nodes.next() { documents.append(try JSONValue(node, &budget)) }
            if let error = nodes.error { throw error }
            return documents
        } catch let error as UnreadableYAML {
            throw error
        } catch {
            // An excerpt of the text follows, which has lines of its own.
            let reason = "\(error)".split(separator: "\n").prefix(2).joined(separator: " ")
            throw UnreadableYAML(description: "it is not YAML: \(reason)")
        }
    }

    /// A service with 20,000 endpoints has less.
    private static let nodeLimit = 500_000

    private init(_ node: Node, _ budget: inout Int) throws(UnreadableYAML) {
        budget -= 1
        if budget < 0 { throw UnreadableYAML(description: "it has more than \(Self.nodeLimit) values") }
        switch node {
        case .mapping(let mapping):
            var members: [(key: String, value: JSONValue)] = []
            for (key, value) in mapping { members.append((key.string ?? "", try JSONValue(value, &budget))) }
            self = .object(JSONObject(members))
        case .sequence(let sequence):
            var elements: [JSONValue] = []
            for element in sequence { elements.append(try JSONValue(element, &budget)) }
            self = .array(elements)
        case .scalar(let scalar):
            switch node.tag {
            case Tag(.null): self = .null
            case Tag(.bool): self = .bool(node.bool ?? false)
            case Tag(.int): self = node.int.map { .integer(Int64($0)) } ?? .string(scalar.string)
            case Tag(.float): self = node.float.map { .double($0) } ?? .string(scalar.string)
            default: self = .string(scalar.string)
            }
        case .alias:
            throw UnreadableYAML(description: "it has an alias that stands for nothing")
        }
    }
}

package import JSON
internal import Yams

/// A document that no resource can be.
package struct UnreadableYAML: Error, Sendable, CustomStringConvertible {
    package var description: String
}

extension JSONValue {
    /// Reads one YAML document with the types of YAML's core schema.
    /// - Throws: `UnreadableYAML`.
    package init(yaml text: String) throws(UnreadableYAML) {
        do {
            guard let node = try Yams.compose(yaml: text) else { throw UnreadableYAML(description: "it is empty") }
            self.init(node)
        } catch {
            // An excerpt of the text follows, which has lines of its own.
            let reason = "\(error)".split(separator: "\n").prefix(2).joined(separator: " ")
            throw UnreadableYAML(description: "it is not YAML: \(reason)")
        }
    }

    private init(_ node: Node) {
        switch node {
        case .mapping(let mapping):
            self = .object(JSONObject(mapping.map { (key: $0.key.string ?? "", value: JSONValue($0.value)) }))
        case .sequence(let sequence):
            self = .array(sequence.map { JSONValue($0) })
        case .scalar(let scalar):
            switch node.tag {
            case Tag(.null): self = .null
            case Tag(.bool): self = .bool(node.bool ?? false)
            case Tag(.int): self = node.int.map { .integer(Int64($0)) } ?? .string(scalar.string)
            case Tag(.float): self = node.float.map { .double($0) } ?? .string(scalar.string)
            default: self = .string(scalar.string)
            }
        case .alias:
            self = .null
        }
    }
}

/// A status that can't be read: the place in the document, and what is wrong there.
package struct StatusError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Such as `registries[0].health`; empty for the whole document.
    package var place: String
    package var message: String

    package var description: String { place.isEmpty ? message : "'\(place)' \(message)" }
}

extension StatusError {
    init(_ error: any Error) {
        switch error {
        case DecodingError.keyNotFound(let key, let context):
            self.init(context.codingPath + [key], "is missing")
        case DecodingError.typeMismatch(let type, let context), DecodingError.valueNotFound(let type, let context):
            self.init(context.codingPath, "must be \(Self.description(of: type))")
        case DecodingError.dataCorrupted(let context):
            self.init(context.codingPath, context.debugDescription)
        default:
            self.init([], "\(error)")
        }
    }

    private init(_ path: [any CodingKey], _ message: String) {
        place = path.reduce("") { place, key in
            if let index = key.intValue { return "\(place)[\(index)]" }
            return place.isEmpty ? key.stringValue : "\(place).\(key.stringValue)"
        }
        self.message = message
    }

    private static func description(of type: Any.Type) -> String {
        switch type {
        case is String.Type: "text"
        case is Bool.Type: "true or false"
        case is Int.Type: "a whole number"
        case is [Any].Type: "a list"
        default: "an object"
        }
    }
}

package import JSON

/// Why a request is refused, as the API server's `Status` object says it (meta/v1).
package struct APIServerStatus: Error, Sendable, Hashable, CustomStringConvertible {
    package struct Cause: Sendable, Hashable {
        /// Such as `FieldValueRequired`.
        package var reason: String
        package var message: String
        /// The path of the field, such as `spec.hosts`.
        package var field: String
    }

    /// The HTTP status.
    package var code: Int
    package var reason: String
    package var message: String
    package var details: JSONObject

    package init(code: Int, reason: String, message: String, details: JSONObject = JSONObject()) {
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details
    }

    package var description: String { "\(code) \(reason): \(message)" }

    package var json: JSONValue {
        var status = JSONObject([
            "kind": "Status", "apiVersion": "v1", "metadata": [:], "status": "Failure", "message": .string(message),
            "reason": .string(reason), "code": .integer(Int64(code)),
        ])
        if !details.isEmpty { status["details"] = .object(details) }
        return .object(status)
    }
}

extension APIServerStatus {
    typealias Kind = ResourceStore.Kind

    static func badRequest(_ message: String) -> Self {
        Self(code: 400, reason: "BadRequest", message: message)
    }

    /// The path itself is unknown: no such group, version or resource.
    static let unknownPath = Self(
        code: 404, reason: "NotFound", message: "the server could not find the requested resource")

    static func notFound(_ kind: Kind, _ name: String) -> Self {
        about(kind, name, code: 404, reason: "NotFound", "\(kind.qualifiedName) \"\(name)\" not found")
    }

    static func alreadyExists(_ kind: Kind, _ name: String) -> Self {
        about(kind, name, code: 409, reason: "AlreadyExists", "\(kind.qualifiedName) \"\(name)\" already exists")
    }

    static func conflict(_ kind: Kind, _ name: String, _ why: String) -> Self {
        about(
            kind, name, code: 409, reason: "Conflict",
            "Operation cannot be fulfilled on \(kind.qualifiedName) \"\(name)\": \(why)")
    }

    static func terminating(_ kind: Kind, _ name: String, namespace: String) -> Self {
        let why = "unable to create new content in namespace \(namespace) because it is being terminated"
        var status = about(
            kind, name, code: 403, reason: "Forbidden", "\(kind.qualifiedName) \"\(name)\" is forbidden: \(why)")
        status.causes = [Cause(reason: "NamespaceTerminating", message: why, field: "metadata.namespace")]
        return status
    }

    /// Refused for its content. The message names every cause.
    static func invalid(_ kind: Kind, _ name: String, _ causes: [Cause]) -> Self {
        let list = causes.map { "\($0.field): \($0.message)" }
        let why = list.count == 1 ? list[0] : "[\(list.joined(separator: ", "))]"
        var status = about(
            kind, name, code: 422, reason: "Invalid",
            "\(kind.name)\(kind.group.isEmpty ? "" : ".\(kind.group)") \"\(name)\" is invalid: \(why)")
        status.details["kind"] = .string(kind.name)
        status.causes = causes
        return status
    }

    static func expired(_ message: String) -> Self {
        Self(code: 410, reason: "Expired", message: message)
    }

    static func tooLarge(resourceVersion: UInt64, current: UInt64) -> Self {
        let message = "Too large resource version: \(resourceVersion), current: \(current)"
        var status = Self(
            code: 504, reason: "Timeout", message: "Timeout: \(message)", details: JSONObject(["retryAfterSeconds": 1]))
        status.causes = [Cause(reason: "ResourceVersionTooLarge", message: "Too large resource version", field: "")]
        return status
    }

    static func unsupportedMediaType(_ type: String, accepted: String) -> Self {
        Self(
            code: 415, reason: "UnsupportedMediaType",
            message:
                "the body of the request was in an unknown format (\(type)) - accepted media types include: \(accepted)"
        )
    }

    private static func about(_ kind: Kind, _ name: String, code: Int, reason: String, _ message: String) -> Self {
        Self(
            code: code, reason: reason, message: message,
            details: JSONObject(["name": .string(name), "group": .string(kind.group), "kind": .string(kind.plural)]))
    }

    private var causes: [Cause] {
        get { [] }
        set {
            details["causes"] = .array(
                newValue.map {
                    var cause = JSONObject(["reason": .string($0.reason), "message": .string($0.message)])
                    if !$0.field.isEmpty { cause["field"] = .string($0.field) }
                    return .object(cause)
                })
        }
    }
}

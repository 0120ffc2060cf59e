internal import Foundation
package import JSON

/// A question of an API server to an ``AdmissionWebhook``: whether an object may become so (`admission.k8s.io/v1`).
public struct AdmissionRequest: Sendable {
    /// The verbs for which a webhook can be asked.
    public enum Operation: String, Sendable, Hashable, CaseIterable {
        case create = "CREATE"
        case update = "UPDATE"
        case delete = "DELETE"
    }

    /// By which request and answer know each other.
    public let uid: String
    public let operation: Operation
    /// The plural of the resource, such as `serviceentries`.
    public let resource: String
    /// Empty for what has none.
    public let namespace: String
    /// Empty when the API server is to choose it.
    public let name: String
    /// The user by whom the request was made, such as `admin`.
    public let user: String
    /// Whether nothing is going to be stored.
    public let isDryRun: Bool

    package let newValue: JSONValue?
    package let oldValue: JSONValue?

    /// The object as it shall be, as JSON; `nil` for a delete.
    public var object: String? { newValue.map { String(decoding: $0.bytes, as: UTF8.self) } }
    /// The object as it is, as JSON; `nil` for a create.
    public var oldObject: String? { oldValue.map { String(decoding: $0.bytes, as: UTF8.self) } }
}

/// An answer of an ``AdmissionWebhook``.
public enum AdmissionDecision: Sendable, Hashable {
    case allow
    /// The API server refuses the request with this reason and this HTTP status.
    case deny(String, code: Int = 403)
    /// The object is changed by a JSON patch (RFC 6902), such as `[{"op": "add", "path": "/spec/x", "value": 1}]`. Only
    /// for a webhook that is registered as mutating; the API server takes it for a failure of any other.
    case mutate(String)
}

// MARK: - The wire

extension AdmissionRequest {
    /// Reads an `AdmissionReview`.
    ///
    /// - Throws: ``TestSupportError``, or what the JSON parser throws.
    init(review: some Collection<UInt8>) throws {
        let review = try JSONValue(parsing: review)
        guard let request = review["request"], let uid = request["uid"]?.string,
            let operation = request["operation"]?.string.flatMap(Operation.init)
        else { throw TestSupportError("not an AdmissionReview: \(String(decoding: review.bytes, as: UTF8.self))") }
        self.uid = uid
        self.operation = operation
        resource = request["resource"]?["resource"]?.string ?? ""
        namespace = request["namespace"]?.string ?? ""
        name = request["name"]?.string ?? ""
        user = request["userInfo"]?["username"]?.string ?? ""
        isDryRun = request["dryRun"]?.bool ?? false
        newValue = request["object"].flatMap { $0 == .null ? nil : $0 }
        oldValue = request["oldObject"].flatMap { $0 == .null ? nil : $0 }
    }
}

extension AdmissionDecision {
    /// The `AdmissionReview` that answers a request.
    func review(uid: String) -> [UInt8] {
        var response = JSONObject()
        response["uid"] = .string(uid)
        switch self {
        case .allow:
            response["allowed"] = true
        case .deny(let reason, let code):
            response["allowed"] = false
            response["status"] = ["message": .string(reason), "code": .integer(Int64(code))]
        case .mutate(let patch):
            response["allowed"] = true
            response["patchType"] = "JSONPatch"
            response["patch"] = .string(Data(patch.utf8).base64EncodedString())
        }
        let review: JSONValue = [
            "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": .object(response),
        ]
        return review.bytes
    }
}

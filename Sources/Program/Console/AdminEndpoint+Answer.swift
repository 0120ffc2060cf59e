package import HTTPTypes
package import Status

extension AdminEndpoint {
    /// A status, headers and one JSON document.
    package struct Answer: Sendable {
        package var status: HTTPResponse.Status
        package var headers = HTTPFields()
        package var body: any StatusDocument
    }

    /// The body of an error.
    package struct Refusal: StatusDocument {
        package var error: String
    }

    struct Liveness: StatusDocument {
        var live: Bool
    }

    struct Readiness: StatusDocument {
        var ready: Bool
        var reason: String?
    }
}

extension AdminEndpoint.Answer {
    static func refusal(_ status: HTTPResponse.Status, _ reason: String) -> Self {
        Self(status: status, body: AdminEndpoint.Refusal(error: reason))
    }

    static func wrongMethod(allowed: String) -> Self {
        var answer = refusal(.methodNotAllowed, "the only methods here are: \(allowed)")
        answer.headers[.allow] = allowed
        return answer
    }

    static var unauthorized: Self {
        var answer = refusal(.unauthorized, "the token is missing or wrong: Authorization: Bearer TOKEN")
        answer.headers[.wwwAuthenticate] = "Bearer realm=\"isthmus\""
        return answer
    }
}

import NIOCore
import NIOHTTP1
import Testing

@testable import Kubernetes

@Suite("An error")
struct KubernetesErrorTests {
    private func refusal(
        _ status: HTTPResponseStatus, _ body: String, headers: HTTPHeaders = [:], method: HTTPMethod = .GET
    ) -> KubernetesError {
        KubernetesError(
            refusal: HTTPReply(status: status, headers: headers, body: ByteBuffer(string: body)),
            to: APIRequest(method: method, path: "/api/v1/pods"))
    }

    @Test("takes message, reason, causes and delay from a Status")
    func status() {
        let error = refusal(
            .unprocessableEntity,
            """
            {"kind":"Status","status":"Failure","message":"x is invalid","reason":"Invalid","code":422,
             "details":{"retryAfterSeconds":3,"causes":[{"reason":"FieldValueInvalid","message":"no","field":"spec.a"}]}}
            """)
        #expect(error.code == .invalid)
        #expect(error.reason == "Invalid")
        #expect(error.httpStatus == 422)
        #expect(error.statusCauses == [.init(reason: "FieldValueInvalid", message: "no", field: "spec.a")])
        #expect(error.retryAfter == .seconds(3))
        #expect(error.description.hasPrefix("GET /api/v1/pods: invalid (HTTP 422): x is invalid; spec.a: no"))
    }

    @Test("distinguishes the two kinds of 409 by their reason")
    func conflicts() {
        #expect(refusal(.conflict, #"{"kind":"Status","code":409,"reason":"AlreadyExists"}"#).code == .alreadyExists)
        #expect(refusal(.conflict, #"{"kind":"Status","code":409,"reason":"Conflict"}"#).code == .conflict)
    }

    @Test("keeps the plain text and the delay of a server that sheds load")
    func tooManyRequests() {
        let error = refusal(
            .tooManyRequests, "Too many requests, please try again later.\n", headers: ["Retry-After": "7"])
        #expect(error.code == .tooManyRequests)
        #expect(error.message == "Too many requests, please try again later.")
        #expect(error.retryAfter == .seconds(7))
    }

    @Test("keeps the beginning of a proxy's page")
    func html() {
        let error = refusal(.badGateway, "<html>\n  <body>\(String(repeating: "ä bad ", count: 1000))</body></html>")
        #expect(error.code == .unavailable)
        #expect(error.message.hasPrefix("<html> <body>ä bad"))
        #expect(error.message.count == 300)
    }

    @Test("of an empty reply, of other JSON and of a redirect has a message")
    func odd() {
        #expect(refusal(.serviceUnavailable, "").message == "Service Unavailable")
        #expect(refusal(.internalServerError, #"{"kind":"Status"}"#).message == "the server gave no reason")
        #expect(refusal(.internalServerError, "[1,2]").message == "[1,2]")
        #expect(refusal(.found, "", headers: ["Location": "https://login"]).message.contains("https://login"))
        #expect(refusal(.notFound, "404 page not found").code == .notFound)
        #expect(refusal(.internalServerError, "", headers: ["Retry-After": "soon"]).retryAfter == nil)
    }

    @Test("of a 404 says what is missing")
    func missing() {
        func status(_ details: String) -> KubernetesError {
            refusal(.notFound, #"{"kind":"Status","reason":"NotFound","code":404,"message":"m","details":\#(details)}"#)
        }
        let object = status(#"{"name":"a","group":"networking.istio.io","kind":"serviceentries"}"#)
        #expect(object.missing == .object)
        #expect(object.description == "GET /api/v1/pods: notFound (HTTP 404): m")
        #expect(status(#"{"name":"k04","kind":"namespaces"}"#).missing == .namespace)
        let type = refusal(.notFound, "404 page not found\n")
        #expect(type.missing == .resourceType)
        #expect(type.message == "the server has no such resource type (404 page not found)")
        #expect(status("{}").missing == .resourceType)
        #expect(refusal(.gone, "").missing == nil)
    }

    @Test("of a path that the user may not read doubts the server's URL")
    func forbiddenPath() {
        let text = #"forbidden: User \"me\" cannot get path \"/k8s/apis\""#
        #expect(
            refusal(.forbidden, #"{"kind":"Status","code":403,"reason":"Forbidden","message":"\#(text)"}"#).message
                == #"forbidden: User "me" cannot get path "/k8s/apis"; check the path of the server's URL"#)
    }

    @Test(
        "has a code for each status",
        arguments: [
            (401, .unauthorized), (403, .forbidden), (404, .notFound), (405, .unsupported), (409, .conflict),
            (410, .gone), (413, .tooLarge), (415, .unsupported), (422, .invalid), (429, .tooManyRequests),
            (400, .badRequest), (418, .badRequest), (500, .serverError), (502, .unavailable), (503, .unavailable),
            (504, .serverTimeout), (302, .malformedReply),
        ] as [(Int, KubernetesError.Code)])
    func codes(status: Int, code: KubernetesError.Code) {
        #expect(refusal(.init(statusCode: status), "").code == code)
    }

    @Test(
        "with 403 is for a missing permission, unless it is for the content, the namespace's state or the URL",
        arguments: [
            (#"serviceentries is forbidden: User \"me\" cannot list resource"#, true), ("", true),
            (#"admission webhook \"a\" denied the request: no"#, false),
            (#"namespace dubbo is being terminated"#, false), ("exceeded quota: objects", false),
            (#"forbidden: User \"me\" cannot get path \"/k8s/apis\""#, false),
        ])
    func permission(text: String, isMissing: Bool) {
        let body = #"{"kind":"Status","code":403,"reason":"Forbidden","message":"\#(text)"}"#
        #expect(refusal(.forbidden, body, method: .POST).isPermissionMissing == isMissing)
    }

    @Test("of a webhook that is away leaves no doubt: nothing was stored")
    func webhook() {
        let text = #"Internal error occurred: failed calling webhook \"v.acme.com\": Post: connection refused"#
        let body = #"{"kind":"Status","code":500,"reason":"InternalError","message":"\#(text)"}"#
        let error = refusal(.internalServerError, body, method: .PATCH)
        #expect(error.isWebhookUnavailable && !error.isOutcomeUnknown)
        #expect(!refusal(.internalServerError, "", method: .PATCH).isWebhookUnavailable)
    }

    @Test("of a write leaves its outcome unknown only when the server may have carried it out")
    func outcome() {
        #expect(refusal(.internalServerError, "", method: .POST).isOutcomeUnknown)
        #expect(refusal(.gatewayTimeout, "", method: .PATCH).isOutcomeUnknown)
        #expect(!refusal(.conflict, "", method: .PATCH).isOutcomeUnknown)
        #expect(!refusal(.tooManyRequests, "", method: .DELETE).isOutcomeUnknown)
        #expect(!refusal(.internalServerError, "").isOutcomeUnknown)
    }
}

internal import JSON

extension NacosError {
    /// The failure that an answer of a gRPC request tells; `nil` for a success.
    ///
    /// Other servers than Nacos' own leave `success` and zero values out, so that the code alone counts.
    init?(answer: Payload, body: JSONValue) {
        let result = body["resultCode"]?.integer
        guard answer.type == "ErrorResponse" || (result ?? 200) != 200 else { return nil }
        self.init(errorCode: body["errorCode"]?.integer ?? 0, serverMessage: body["message"]?.string)
    }

    /// - Parameter errorCode: A code of Nacos' `NacosException`, which HTTP uses as its status too.
    init(errorCode: Int64, serverMessage: String?) {
        let code: Code =
            switch errorCode {
            case 300: .serverStarting
            case 301: .unregistered
            case 302, 404, 410, 501: .unsupported
            case 400, 409: .invalidRequest
            case 401, 403: .forbidden
            case 429, 503: .overloaded
            case 50310, 50311: .overLimit
            default: .failed
            }
        var message = code.explanation
        if let serverMessage, !serverMessage.isEmpty { message += ": the server says '\(serverMessage.shortened)'" }
        self.init(code, message)
    }
}

extension String {
    /// The text for a log or an error: without control characters, and not longer than 300 characters.
    var shortened: String {
        var text = String(String.UnicodeScalarView(unicodeScalars.prefix(300).filter { $0.value >= 0x20 }))
        if unicodeScalars.count > 300 { text += "…" }
        return text
    }
}

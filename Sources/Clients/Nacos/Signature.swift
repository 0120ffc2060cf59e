internal import FoundationEssentials

/// Signs requests with an access key, as Alibaba's MSE wants it.
struct Signature: Sendable {
    /// In milliseconds since 1970. The server refuses a signature that is too old.
    static var timeOfDay: Int64 { Int64(Date().timeIntervalSince1970 * 1_000) }

    var accessKey: String
    var secretKey: String

    /// The headers of a request about a service; `nil` for one about no service in particular.
    func naming(_ service: ServiceKey?, milliseconds: Int64) -> [String: String] {
        let data = service.map { "\(milliseconds)@@\($0)" } ?? "\(milliseconds)"
        return ["ak": accessKey, "data": data, "signature": code(of: data)]
    }

    /// The headers of a request about configurations.
    func config(namespace: String, group: String?, milliseconds: Int64) -> [String: String] {
        let resource = [namespace, group ?? ""].filter { !$0.isEmpty }.joined(separator: "+")
        let data = resource.isEmpty ? "\(milliseconds)" : "\(resource)+\(milliseconds)"
        return ["Spas-AccessKey": accessKey, "Timestamp": "\(milliseconds)", "Spas-Signature": code(of: data)]
    }

    private func code(of data: String) -> String {
        Data(SHA1.authenticationCode(of: Array(data.utf8), key: Array(secretKey.utf8))).base64EncodedString()
    }
}

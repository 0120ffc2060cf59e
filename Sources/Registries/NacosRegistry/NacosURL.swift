internal import Text

/// The URL by which Dubbo's own configuration names a Nacos, and `--registry` takes one:
/// `nacos://HOST:PORT[,HOST:PORT…][/NAMESPACE][?namespace=…&group=…&backup=HOST:PORT,…]`.
///
/// Dubbo takes user, password and more from it. Here they stand in the configuration, so that no password is in a list
/// of processes.
struct NacosURL: Hashable {
    static let scheme = "nacos://"

    /// Why a text is no such URL. It repeats no part of the text that may be secret.
    struct Problem: Error {
        var message: String
    }

    var servers: [String]
    /// `nil` for Nacos' own.
    var namespace: String?
    var group: String?

    init(_ text: String) throws(Problem) {
        let rest = text.hasPrefix(Self.scheme) ? text.dropFirst(Self.scheme.count) : text[...]
        // A password may hold any character.
        if rest.contains("@") {
            throw Problem(
                message: "a URL with a user and a password is not taken, since lists of processes show it: "
                    + "name the user in a configuration file, at nacos.username")
        }
        let parts = rest.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let path = parts[0].split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        servers = path[0].split(separator: ",").map(String.init)
        var inPath = path.count > 1 ? String(path[1]) : ""
        while inPath.hasSuffix("/") { inPath.removeLast() }
        if inPath.contains("/") { throw Problem(message: "the path '/\(inPath)' is no namespace") }
        namespace = inPath.isEmpty ? nil : inPath
        if parts.count > 1 { try readParameters(parts[1]) }
        if servers.isEmpty { throw Problem(message: "at least one HOST:PORT is needed") }
    }

    private mutating func readParameters(_ query: Substring) throws(Problem) {
        for parameter in query.split(separator: "&") {
            let pair = parameter.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let value = pair.count > 1 ? String(pair[1]).percentDecoded() : nil
            switch (pair[0], value) {
            case ("backup", let value?) where !value.isEmpty:
                servers += value.split(separator: ",").map(String.init)
            case ("namespace", let value?) where !value.isEmpty:
                if let namespace, namespace != value {
                    throw Problem(
                        message: "the path '/\(namespace)' and the parameter 'namespace' both name the namespace: "
                            + "give one")
                }
                namespace = value
            case ("group", let value?) where !value.isEmpty: group = value
            case ("backup", _), ("namespace", _), ("group", _):
                throw Problem(message: "the parameter '\(pair[0])' has no value")
            case ("username", _), ("password", _), ("accessKey", _), ("secretKey", _):
                throw Problem(
                    message: "the parameter '\(pair[0])' is not taken, since lists of processes show it: "
                        + "give it in a configuration file, below nacos")
            default:
                throw Problem(
                    message: "the parameter '\(pair[0].prefix(40))' is not taken: a URL may have 'backup', 'namespace' "
                        + "and 'group'; everything else stands in a configuration file")
            }
        }
    }
}

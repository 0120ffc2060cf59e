internal import Addressing
internal import Settings

/// `etcd://HOST:PORT[,HOST:PORT…]/[PREFIX][?layout=NAME]`. No error repeats a part of the text that may be secret.
struct EtcdURL: Hashable {
    static let scheme = "etcd://"

    var servers: [HostPort] = []
    /// Empty for none.
    var prefix: String
    var layout: String?

    init(_ text: String) throws(ConfigurationError) {
        let rest = text.hasPrefix(Self.scheme) ? text.dropFirst(Self.scheme.count) : text[...]
        // A password may hold any character.
        if rest.contains("@") {
            throw Self.failure(
                "a URL with a user and a password is not taken, since lists of processes show it: "
                    + "name the user in a configuration file, at etcd.username")
        }
        let parts = rest.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let place = parts[0].split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        prefix = place.count > 1 ? String(place[1]) : ""
        for text in place[0].split(separator: ",") {
            guard let server = HostPort(String(text)) else {
                throw Self.failure("'\(text.prefix(100))' is not HOST:PORT")
            }
            servers.append(server)
        }
        if servers.isEmpty { throw Self.failure("at least one HOST:PORT is needed") }
        for parameter in parts.count > 1 ? parts[1].split(separator: "&") : [] {
            let pair = parameter.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard pair.count == 2, pair[0] == "layout", layout == nil else {
                throw Self.failure("the parameter '\(pair[0].prefix(40))' is not taken: a URL may have 'layout' once")
            }
            layout = String(pair[1])
        }
    }

    static func failure(_ message: String) -> ConfigurationError {
        ConfigurationError(place: "--registry", message: message)
    }
}

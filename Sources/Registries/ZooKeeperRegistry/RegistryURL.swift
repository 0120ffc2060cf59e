internal import Text
internal import ZooKeeper

/// The URL by which Dubbo's own configuration names a ZooKeeper:
/// `zookeeper://HOST:PORT[,HOST:PORT…][/ROOT][?backup=HOST:PORT,…&group=ROOT]`.
///
/// Dubbo takes user, password, timeouts and more from it. Here they stand in the configuration, so that no password is
/// in a list of processes. No error repeats a part of the text that may be secret.
struct RegistryURL: Hashable {
    static let scheme = "zookeeper://"

    /// Without a chroot.
    let servers: ConnectionString
    let root: String

    /// - Parameter standardRoot: The root of a URL that names none.
    init(_ text: String, root standardRoot: String = "/dubbo") throws(ZooKeeperError) {
        let rest = text.hasPrefix(Self.scheme) ? String(text.dropFirst(Self.scheme.count)) : text
        // A password may hold any character.
        if rest.contains("@") {
            throw Self.problem(
                "a URL with a user and a password is not taken, since lists of processes show it: "
                    + "name the user in a configuration file, at zookeeper.digest")
        }
        let parts = rest.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let parameters = try Self.parameters(parts.count > 1 ? parts[1] : "")
        let backups = parameters.backups.map { "," + $0 }.joined()
        let slash = parts[0].firstIndex(of: "/") ?? parts[0].endIndex
        var servers = try ConnectionString("\(parts[0][..<slash])\(backups)\(parts[0][slash...])")
        let path = servers.chroot
        servers.chroot = ""
        self.servers = servers
        root = parameters.group ?? (path.isEmpty ? standardRoot : path)
        if let group = parameters.group, !path.isEmpty, path != group {
            throw Self.problem("the path '\(path)' and the group '\(group)' both name the root: give one")
        }
        try ZnodePath.validate(root)
    }

    private static func problem(_ message: String) -> ZooKeeperError { ZooKeeperError(.invalidInput, message: message) }

    private static func parameters(_ query: Substring) throws(ZooKeeperError) -> (backups: [String], group: String?) {
        var backups: [String] = []
        var group: String?
        for parameter in query.split(separator: "&") {
            let pair = parameter.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let value = pair.count > 1 ? String(pair[1]).percentDecoded() : nil
            switch (pair[0], value) {
            case ("backup", let value?) where !value.isEmpty: backups.append(value)
            case ("group", let value?) where !value.isEmpty: group = value.hasPrefix("/") ? value : "/" + value
            case ("backup", _), ("group", _):
                throw problem("the parameter '\(pair[0])' has no value")
            case ("username", _), ("password", _):
                throw problem(
                    "the parameter '\(pair[0])' is not taken, since lists of processes show it: "
                        + "name the user in a configuration file, at zookeeper.digest")
            case ("timeout", _), ("session", _):
                throw problem(
                    "the parameter '\(pair[0])' is not taken: give zookeeper.sessionTimeout in a configuration file"
                )
            default:
                throw problem(
                    "the parameter '\(pair[0].prefix(40))' is not taken: a URL may have 'backup' and 'group'; "
                        + "everything else stands in a configuration file")
            }
        }
        return (backups, group)
    }
}

internal import Addressing

/// The servers that are reached without a proxy, by the rules of Go's `golang.org/x/net/http/httpproxy`.
struct ProxyExemptions {
    private enum Rule {
        case everything
        case block(CIDRBlock)
        case address(IPAddress, port: String?)
        /// - Parameters:
        ///   - suffix: begins with a dot.
        ///   - isForItself: whether the name without the dot is exempt too.
        case names(suffix: String, isForItself: Bool, port: String?)
    }

    private let rules: [Rule]

    /// - Parameter list: the value of `NO_PROXY`: names, addresses and blocks, separated by commas.
    init(_ list: String) {
        rules = list.split(separator: ",").compactMap { Self.rule($0.filter { !$0.isWhitespace }.lowercased()) }
    }

    /// Whether the server is reached directly. The own machine always is.
    func contain(host: String, port: Int) -> Bool {
        let host = host.lowercased()
        let address = IPAddress(host)
        if host == "localhost" || address?.isLoopback == true { return true }
        return rules.contains { rule in
            switch rule {
            case .everything: true
            case .block(let block): address.map { block.contains($0) } ?? false
            case .address(let exempt, let rulePort): exempt == address && (rulePort ?? "\(port)") == "\(port)"
            case .names(let suffix, let isForItself, let rulePort):
                (host.hasSuffix(suffix) || isForItself && host == suffix.dropFirst())
                    && (rulePort ?? "\(port)") == "\(port)"
            }
        }
    }

    private static func rule(_ text: String) -> Rule? {
        if text == "*" { return .everything }
        if let block = CIDRBlock(around: text) { return .block(block) }
        var (host, port) = (text[...], Substring?.none)
        // One colon, or one behind a bracket, stands before a port. An IPv6 address has more.
        if let colon = text.lastIndex(of: ":"), text.firstIndex(of: ":") == colon || text[..<colon].last == "]" {
            (host, port) = (text[..<colon], text[colon...].dropFirst())
        }
        if host.first == "[", host.last == "]" { host = host.dropFirst().dropLast() }
        if let address = IPAddress(host) { return .address(address, port: port.map(String.init)) }
        if host.hasPrefix("*.") { host = host.dropFirst() }
        guard !host.isEmpty else { return nil }
        let isForItself = host.first != "."
        return .names(
            suffix: isForItself ? ".\(host)" : String(host), isForItself: isForItself, port: port.map(String.init))
    }
}

extension ClusterConfiguration.Proxy {
    /// The proxy that the environment names for a server: `HTTPS_PROXY` or, for a server without TLS, `HTTP_PROXY`,
    /// unless `NO_PROXY` exempts the server. The names in lower case count too.
    ///
    /// - Throws: `KubernetesError` with `configuration`. The message names the variable.
    init?(to server: ServerURL, environment: Environment) throws(KubernetesError) {
        let names = server.isTLS ? ["HTTPS_PROXY", "https_proxy"] : ["HTTP_PROXY", "http_proxy"]
        guard let name = names.first(where: { environment[$0] != nil }), let url = environment[name] else { return nil }
        let exemptions = ProxyExemptions(environment["NO_PROXY"] ?? environment["no_proxy"] ?? "")
        guard !exemptions.contain(host: server.host, port: server.port) else { return nil }
        do throws(KubernetesError) {
            // The variables may leave out http://.
            try self.init(url: url.contains("://") ? url : "http://\(url)")
        } catch {
            throw KubernetesError(code: .configuration, message: "\(name): \(error.message)")
        }
        variable = name
    }
}

internal import FoundationEssentials
internal import Kubernetes
internal import Translation
internal import ZooKeeper

extension BridgeConfiguration {
    /// Reads a configuration file.
    /// - Throws: `ConfigurationError` or `KubernetesError`.
    package init(file: String) throws {
        try self.init(yaml: try Self.text(of: file), file: file)
    }

    static func text(of file: String) throws(ConfigurationError) -> String {
        do {
            return try String(contentsOfFile: file, encoding: .utf8)
        } catch {
            throw ConfigurationError(place: file, message: "the file can't be read as UTF-8 text: \(error)")
        }
    }

    /// What the flags of `isthmus run` say; `nil` is the default of each.
    /// - Parameters:
    ///   - registry: `zookeeper://HOST:PORT[,HOST:PORT…][/dubbo-root]`.
    ///   - admin: `HOST:PORT`; with `nil` there is no admin endpoint.
    /// - Throws: `ConfigurationError` or `KubernetesError`.
    package init(
        registry: String, kubeconfig: String?, context: String?, namespace: String?, instance: String?,
        admin: String? = nil
    ) throws {
        registries = [try Self.registry(url: registry)]
        let cluster = try ClusterConfiguration.detect(kubeconfig: kubeconfig, context: context)
        clusters = [Cluster(name: context ?? "default", configuration: cluster)]
        translation = TranslationPolicy(namespace: namespace ?? cluster.namespace)
        if let problem = translation.namespaceProblem {
            throw ConfigurationError(place: "--namespace", message: problem)
        }
        if let instance { translation.instance = instance }
        if let problem = translation.instanceProblem { throw ConfigurationError(place: "--instance", message: problem) }
        self.admin = try admin.map(Admin.init(flag:))
    }

    private static func registry(url: String) throws(ConfigurationError) -> Registry {
        let scheme = "zookeeper://"
        guard url.hasPrefix(scheme) else {
            throw ConfigurationError(
                place: "--registry", message: "'\(url)' is not of the form zookeeper://HOST:PORT[/dubbo-root]")
        }
        do throws(ZooKeeperError) {
            var servers = try ConnectionString(String(url.dropFirst(scheme.count)))
            let root = servers.chroot.isEmpty ? "/dubbo" : servers.chroot
            servers.chroot = ""
            return Registry(name: "zookeeper", servers: servers, root: root)
        } catch {
            throw ConfigurationError(place: "--registry", message: error.message)
        }
    }
}

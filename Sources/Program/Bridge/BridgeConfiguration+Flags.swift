internal import Deliveries
internal import Kubernetes
internal import KubernetesDelivery
internal import Settings
internal import Sources
internal import Translation

extension BridgeConfiguration {
    /// Reads a configuration file.
    /// - Throws: `ConfigurationError`, or what keeps a delivery from being used.
    package init(file: String, kinds: Kinds = .standard) throws {
        try self.init(yaml: try ConfigurationFile.text(of: file), file: file, kinds: kinds)
    }

    /// What the flags of `isthmus run` say; `nil` is the default of each.
    /// - Parameters:
    ///   - registry: A URL of one of the kinds. The registry is called like the scheme.
    ///   - admin: `HOST:PORT`; with `nil` there is no admin endpoint.
    /// - Throws: `ConfigurationError`, or what keeps the cluster from being used.
    package init(
        registry: String, kubeconfig: String?, context: String?, namespace: String?, instance: String?,
        admin: String? = nil, kinds: Kinds = .standard
    ) throws {
        let registry = try Self.registry(url: registry, kinds)
        let cluster = try ClusterSettings.detect(kubeconfig: kubeconfig, context: context)
        var translation = TranslationPolicy(
            namespace: namespace ?? cluster.configuration.namespace, formats: kinds.formats)
        translation.outlierDetection = OutlierDetection()
        if let problem = translation.namespaceProblem {
            throw ConfigurationError(place: "--namespace", message: problem)
        }
        if let problem = translation.domainProblem {
            throw ConfigurationError(place: "--namespace", message: "the hosts' domain: \(problem)")
        }
        if let instance { translation.instance = instance }
        if let problem = translation.instanceProblem { throw ConfigurationError(place: "--instance", message: problem) }
        self.init(registries: [registry], translation: translation, deliveries: [cluster])
        self.admin = try admin.map(Admin.init(flag:))
    }

    private static func registry(url: String, _ kinds: Kinds) throws(ConfigurationError) -> Registry {
        guard let kind = kinds.registries.first(where: { url.hasPrefix($0.urlScheme + "://") }) else {
            // A password may hold any character.
            let shown = url.contains("@") || url.contains("?") ? url.prefix { $0.isLetter } + "…" : url[...]
            throw ConfigurationError(place: "--registry", message: "'\(shown)' is not of the form \(kinds.urlForms)")
        }
        return Registry(name: String(kind.urlScheme), settings: try kind.settings(url: url))
    }
}

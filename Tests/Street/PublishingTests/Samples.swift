import Catalog
import Deliveries
import IstioAPI
import JSON
import Planning
import Publishing
import Sources
import Translation

enum Text {
    /// A VirtualService in YAML.
    static func route(_ name: String, namespace: String? = "shop", host: String = "orders.mesh", to: String = "v1")
        -> String
    {
        """
        apiVersion: networking.istio.io/v1
        kind: VirtualService
        metadata:
          name: \(name)
          \(namespace.map { "namespace: \($0)" } ?? "labels: {}")
        spec:
          hosts: [\(host)]
          http:
            - route: [{ destination: { host: \(host), subset: \(to) } }]

        """
    }

    /// A ServiceEntry in JSON.
    static func entry(_ name: String, host: String, namespace: String = "shop") -> String {
        """
        {"apiVersion": "networking.istio.io/v1beta1", "kind": "ServiceEntry",
         "metadata": {"name": "\(name)", "namespace": "\(namespace)"},
         "spec": {"hosts": ["\(host)"], "ports": [{"number": 443, "name": "tls", "protocol": "TLS"}],
                  "resolution": "DNS"}}
        """
    }
}

extension PublicationPolicy {
    static func sample(
        namespaces: [String] = ["shop"], kinds: Set<ResourceKind> = standardKinds, hosts: [String]? = nil,
        gateways: [String] = []
    ) -> PublicationPolicy {
        PublicationPolicy(
            namespaces: namespaces, kinds: kinds, hosts: hosts, gateways: gateways,
            translation: TranslationPolicy(namespace: "dubbo", formats: []))
    }
}

extension ResourceKey {
    static func route(_ name: String) -> ResourceKey { ResourceKey(.virtualService, namespace: "shop", name: name) }
}

extension Publications {
    static func sample(_ policy: PublicationPolicy = .sample(), guardPolicy: GuardPolicy? = GuardPolicy()) -> Self {
        Publications(name: "ops", policy: policy, guardPolicy: guardPolicy)
    }

    /// A complete read shows these texts.
    @discardableResult
    mutating func read(_ texts: [String: String], at now: Duration = .zero) -> Effects {
        accept(.complete(texts.mapValues { .text($0) }), now: now)
    }

    @discardableResult
    mutating func publish(_ name: String, _ text: String, at now: Duration = .zero) -> Effects {
        accept(.changed(name: name, .text(text)), now: now)
    }

    /// The subset to which a route leads; `nil` for one that is not wanted or not decided.
    func target(_ name: String) -> String? {
        let spec = wanted(.route(name))?.resource?.spec
        return spec?["http"]?.array?.first?["route"]?.array?.first?["destination"]?["subset"]?.string
    }

    var problems: [String] { report.problems.map { "\($0.document): \($0.reason)" } }
}

/// What a delivery holds of an earlier run.
func standing(_ name: String, centre: String = "ops", document: String = "a") -> ActualObject {
    ActualObject(
        key: .route(name), revision: nil, labels: [:],
        annotations: [PublicationMark.configuration: "\(centre)/\(document)"], spec: ["hosts": ["orders.mesh"]])
}

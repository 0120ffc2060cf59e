extension ResourceStore {
    /// A kind of resource, as discovery describes it.
    package struct Kind: Sendable, Hashable {
        /// A column of `kubectl get`, beside the name.
        package struct Column: Sendable, Hashable {
            package enum Format: String, Sendable {
                case text = "string"
                case age = "date"
            }

            package var title: String
            package var format: Format
            package var description: String
            /// Member by member, from the object's root.
            package var path: [String]

            static func text(_ title: String, _ path: String..., description: String) -> Column {
                Column(title: title, format: .text, description: description, path: path)
            }

            static let age = Column(
                title: "Age", format: .age, description: "The time since the object was created.",
                path: ["metadata", "creationTimestamp"])
        }

        /// Empty for the core group.
        package var group: String
        /// The versions served, preferred first.
        package var versions: [String]
        package var name: String
        package var plural: String
        package var singular: String
        package var shortNames: [String]
        package var categories: [String] = []
        package var isNamespaced = true
        /// Custom resources differ in small ways: each item of a list names its kind, `metadata.generation` counts
        /// the changes of the specification, and `status` is written through a subresource only.
        package var isCustom = false
        package var columns: [Column]

        /// The resource as error messages name it, such as `serviceentries.networking.istio.io`.
        package var qualifiedName: String { group.isEmpty ? plural : "\(plural).\(group)" }

        func apiVersion(_ version: String) -> String { group.isEmpty ? version : "\(group)/\(version)" }
    }
}

extension ResourceStore.Kind {
    package static let namespace = Self(
        group: "", versions: ["v1"], name: "Namespace", plural: "namespaces", singular: "namespace",
        shortNames: ["ns"], isNamespaced: false,
        columns: [.text("Status", "status", "phase", description: "The status of the namespace."), .age])

    /// It has no cluster IP unless its maker gives it one, and no endpoints.
    package static let service = Self(
        group: "", versions: ["v1"], name: "Service", plural: "services", singular: "service", shortNames: ["svc"],
        columns: [.text("Cluster-IP", "spec", "clusterIP", description: "The virtual address."), .age])

    package static let lease = Self(
        group: "coordination.k8s.io", versions: ["v1"], name: "Lease", plural: "leases", singular: "lease",
        shortNames: [],
        columns: [.text("Holder", "spec", "holderIdentity", description: "Who holds the lease."), .age])

    package static let serviceEntry = Self(
        group: "networking.istio.io", versions: ["v1", "v1beta1", "v1alpha3"], name: "ServiceEntry",
        plural: "serviceentries", singular: "serviceentry", shortNames: ["se"],
        categories: ["istio-io", "networking-istio-io"], isCustom: true,
        columns: [
            .text("Hosts", "spec", "hosts", description: "The hosts of the service."),
            .text("Location", "spec", "location", description: "MESH_EXTERNAL or MESH_INTERNAL."),
            .text("Resolution", "spec", "resolution", description: "How the hosts are resolved."),
            .age,
        ])

    package static let workloadEntry = Self(
        group: "networking.istio.io", versions: ["v1", "v1beta1", "v1alpha3"], name: "WorkloadEntry",
        plural: "workloadentries", singular: "workloadentry", shortNames: ["we"],
        categories: ["istio-io", "networking-istio-io"], isCustom: true,
        columns: [.age, .text("Address", "spec", "address", description: "The address of the endpoint.")])

    package static let destinationRule = Self(
        group: "networking.istio.io", versions: ["v1", "v1beta1", "v1alpha3"], name: "DestinationRule",
        plural: "destinationrules", singular: "destinationrule", shortNames: ["dr"],
        categories: ["istio-io", "networking-istio-io"], isCustom: true,
        columns: [.text("Host", "spec", "host", description: "The host of the rule."), .age])

    package static let virtualService = Self(
        group: "networking.istio.io", versions: ["v1", "v1beta1", "v1alpha3"], name: "VirtualService",
        plural: "virtualservices", singular: "virtualservice", shortNames: ["vs"],
        categories: ["istio-io", "networking-istio-io"], isCustom: true,
        columns: [.text("Hosts", "spec", "hosts", description: "The hosts that are routed."), .age])
}

extension [ResourceStore.Kind] {
    /// The kinds that a bridge touches.
    package static var standard: Self {
        [.namespace, .service, .lease, .serviceEntry, .workloadEntry, .destinationRule, .virtualService]
    }
}

internal import IstioAPI

/// Why a value can't be in a policy, for people; `nil` for one that can.
extension TranslationPolicy {
    package var instanceProblem: String? {
        instance.isEmpty || !DNSName.isLabelValue(instance)
            ? "'\(instance)' can't be the value of a label: up to 63 letters, digits, '-', '_' and '.'" : nil
    }

    package var namespaceProblem: String? {
        DNSName.isLabel(namespace) ? nil : "'\(namespace)' can't be the name of a namespace"
    }

    /// A registry may not set labels that steer the mesh.
    package var labelProblem: String? {
        for key in keptLabels {
            if !DNSName.isLabelKey(key) { return "'\(key)' can't be the key of a label" }
            let prefix = key.split(separator: "/").first.map(String.init) ?? ""
            let isReserved =
                key.contains("/")
                && (prefix == "istio.io" || prefix.hasSuffix(".istio.io") || prefix.hasPrefix("topology.")
                    || prefix == "kubernetes.io" || prefix.hasSuffix(".kubernetes.io"))
            if isReserved { return "'\(key)' steers the mesh; a registry may not set it" }
        }
        return nil
    }
}

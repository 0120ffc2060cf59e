/// A rule that a resource breaks.
package struct Violation: Hashable, Sendable, CustomStringConvertible {
    /// Such as `spec.hosts[0]`.
    package var field: String
    package var reason: String

    package var description: String { "\(field): \(reason)" }
}

/// Of all annotations together, keys and values (`apimachinery/pkg/api/validation`).
private let maximumAnnotationBytes = 256 << 10

/// What the API server would refuse of an object's metadata.
func metadataViolations(
    _ key: ResourceKey, _ labels: [String: String], _ annotations: [String: String]
) -> [Violation] {
    var found: [Violation] = []
    func check(_ holds: Bool, _ field: String, _ reason: @autoclosure () -> String) {
        if !holds { found.append(Violation(field: field, reason: reason())) }
    }
    check(DNSName.isSubdomain(key.name), "metadata.name", "'\(key.name)' is not a DNS-1123 subdomain")
    check(DNSName.isLabel(key.namespace), "metadata.namespace", "'\(key.namespace)' is not a DNS-1123 label")
    for (label, value) in labels {
        check(DNSName.isLabelKey(label), "metadata.labels", "'\(label)' is not a label key")
        check(DNSName.isLabelValue(value), "metadata.labels[\(label)]", "'\(value)' is not a label value")
    }
    let annotationBytes = annotations.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count }
    check(
        annotationBytes <= maximumAnnotationBytes, "metadata.annotations",
        "they have \(annotationBytes) bytes, and an object can carry \(maximumAnnotationBytes)")
    return found
}

/// What istiod would refuse of an object's `exportTo`.
func exportViolations(_ exportTo: [String], of key: ResourceKey) -> [Violation] {
    var found: [Violation] = []
    func check(_ holds: Bool, _ field: String, _ reason: @autoclosure () -> String) {
        if !holds { found.append(Violation(field: field, reason: reason())) }
    }
    for (index, name) in exportTo.enumerated() {
        check(
            [".", "*", "~"].contains(name) || DNSName.isLabel(name), "spec.exportTo[\(index)]",
            "'\(name)' is neither '.', '*', '~' nor a namespace")
    }
    let namespaces = exportTo.map { $0 == "." ? key.namespace : $0 }
    check(Set(namespaces).count == namespaces.count, "spec.exportTo", "an entry stands twice")
    check(
        exportTo.count <= 1 || !exportTo.contains("*") && !exportTo.contains("~"), "spec.exportTo",
        "'*' and '~' stand alone")
    return found
}

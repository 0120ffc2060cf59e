internal import IstioAPI
internal import JSON
internal import YAML

/// The objects of Istio's that one document holds: YAML with one or more documents, JSON, or a `List`.
///
/// Other formats that operators publish, such as the rules of a framework, are read beside this one.
struct ManifestDocument: Sendable, Hashable {
    /// The longest text that is read, in bytes.
    static let maximumLength = 1 << 20
    /// The largest number of objects in one document.
    static let maximumObjects = 500

    /// Why a document can't be read as a whole.
    struct Unreadable: Error, Hashable {
        var reason: String
    }

    var manifests: [Manifest] = []
    /// Why objects of the document are left out, each with the object's name.
    var problems: [String] = []
    /// The objects that are named and left out.
    var refused: Set<ResourceKey> = []

    /// - Parameter policy: Says which objects may stand, and the namespace of those that name none.
    /// - Throws: `Unreadable` for a text that is no list of objects.
    init(_ text: String, _ policy: PublicationPolicy) throws(Unreadable) {
        guard text.utf8.count <= Self.maximumLength else {
            throw Unreadable(reason: "it has \(text.utf8.count) bytes, more than \(Self.maximumLength)")
        }
        let objects: [JSONValue]
        do throws(UnreadableYAML) {
            objects = try JSONValue.documents(yaml: text).flatMap { document in
                document["kind"]?.string == "List" ? document["items"]?.array ?? [] : [document]
            }
        } catch {
            throw Unreadable(reason: error.description)
        }
        guard objects.count <= Self.maximumObjects else {
            throw Unreadable(reason: "it has \(objects.count) objects, more than \(Self.maximumObjects)")
        }
        for (index, object) in objects.enumerated() { try read(object, index + 1, policy) }
    }

    private mutating func read(
        _ object: JSONValue, _ number: Int, _ policy: PublicationPolicy
    ) throws(Unreadable) {
        guard let metadata = object["metadata"], let name = metadata["name"]?.string, !name.isEmpty,
            let kindName = object["kind"]?.string
        else {
            throw Unreadable(reason: "its object \(number) has no kind or no metadata.name")
        }
        let group = (object["apiVersion"]?.string ?? "").split(separator: "/").first ?? ""
        guard group == ResourceKind.group, let kind = ResourceKind(rawValue: kindName) else {
            problems.append("\(kindName) '\(name)': only objects of \(ResourceKind.group) are carried")
            return
        }
        guard let namespace = metadata["namespace"]?.string ?? policy.standardNamespace else {
            problems.append("\(kindName) '\(name)': it has no metadata.namespace, and several are allowed")
            return
        }
        var annotations = metadata["annotations"]?.strings ?? [:]
        annotations["kubectl.kubernetes.io/last-applied-configuration"] = nil
        let manifest = Manifest(
            key: ResourceKey(kind, namespace: namespace, name: name), labels: metadata["labels"]?.strings ?? [:],
            annotations: annotations, spec: object["spec"] ?? .null)
        let refusals = policy.refusals(of: manifest)
        guard refusals.isEmpty else {
            problems.append("\(manifest.key.text): \(refusals.joined(separator: "; "))")
            refused.insert(manifest.key)
            return
        }
        if manifests.contains(where: { $0.key == manifest.key }) {
            problems.append("\(manifest.key.text): it stands twice")
            return
        }
        manifests.append(manifest)
    }
}

extension PublicationPolicy {
    /// The namespace of an object that names none.
    fileprivate var standardNamespace: String? { namespaces.count == 1 ? namespaces.first : nil }
}

extension ResourceKey {
    /// With its kind always, since any kind may stand in a document.
    var text: String { "\(kind.rawValue) \(namespace)/\(name)" }
}

internal import IstioAPI
internal import JSON
internal import Kubernetes
internal import Planning

/// An object of somebody else that has hosts, as far as that is of interest.
struct ForeignObject: Sendable, Hashable {
    enum Kind: String, Sendable, Hashable {
        case serviceEntry = "ServiceEntry"
        case service = "Service"
        case namespace = "Namespace"
    }

    /// Whose it is.
    enum Owner: Sendable, Hashable {
        case somebody
        /// Another installation of Isthmus.
        case installation(String)
        /// This installation, when its objects were in another namespace.
        case ourselves
    }

    struct Name: Sendable, Hashable, Comparable, CustomStringConvertible {
        var kind: Kind
        /// Empty for a namespace.
        var namespace: String
        var name: String

        /// Such as `ServiceEntry shop/orders`.
        var description: String {
            namespace.isEmpty ? "\(kind.rawValue) \(name)" : "\(kind.rawValue) \(namespace)/\(name)"
        }

        static func < (left: Name, right: Name) -> Bool {
            (left.kind.rawValue, left.namespace, left.name) < (right.kind.rawValue, right.namespace, right.name)
        }
    }

    var name: Name
    var owner = Owner.somebody
    /// Without punctuation; it sorts as text.
    var created = ""
    var exportTo: Set<String> = []

    /// Its service of a host.
    func service(_ host: String) -> MeshService {
        MeshService(
            registry: name.kind == .serviceEntry ? .external : .kubernetes, host: host, namespace: name.namespace,
            objectName: name.name, created: created, exportTo: exportTo)
    }
}

extension ForeignObject {
    /// - Returns: The object, and those of its hosts that are of the scope. A namespace has all hosts of a domain.
    static func read(
        _ object: APIObject, _ kind: Kind, _ scope: HostScope, _ ownership: Ownership
    ) -> (object: ForeignObject, hosts: [String]) {
        let metadata = object.metadata
        let name = Name(kind: kind, namespace: metadata.namespace ?? "", name: metadata.name)
        var found = ForeignObject(name: name, created: object.created)
        switch kind {
        case .namespace:
            return (found, [scope.domain])
        case .service:
            let host = "\(name.name).\(name.namespace)"
            return (found, scope.key(ofHost: host) == nil ? [] : [host])
        case .serviceEntry:
            let spec = object.json["spec"]
            let hosts = (spec?["hosts"]?.texts ?? []).map { $0.lowercased() }
            found.exportTo = Set(spec?["exportTo"]?.texts ?? [])
            found.owner = ownership.owner(of: metadata)
            return (found, Set(hosts).filter { scope.key(ofHost: $0) != nil }.sorted())
        }
    }
}

extension Ownership {
    /// Objects of ours have all labels. Those of another installation differ in one of them.
    fileprivate func owner(of metadata: ObjectMetadata) -> ForeignObject.Owner {
        let different = labels.filter { metadata.labels[$0.key] != $0.value }
        if different.isEmpty { return .ourselves }
        guard different.count == 1, let label = different.first, label.key.hasPrefix(annotationPrefix),
            let installation = metadata.labels[label.key]
        else { return .somebody }
        return .installation(installation)
    }
}

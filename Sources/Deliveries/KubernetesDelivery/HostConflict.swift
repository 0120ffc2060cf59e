internal import IstioAPI

/// A host that objects of somebody else have, too, in words: both objects, and which one istiod takes.
struct HostConflict: Sendable, Hashable {
    /// Ours.
    var key: ResourceKey
    /// When ours was created; `nil` where it isn't there, and is not created.
    var created: String?
    var owners: [ForeignObject]
    var scope: HostScope

    var reason: String {
        let ours = scope.service(key, created: created ?? "")
        let rival = rival(of: ours)
        let others = owners.count > 1 ? " (and \(owners.count - 1) more)" : ""
        if rival.name.kind == .namespace { return namespaceReason(rival) }
        let head = "\(rival.name)\(others) has the host '\(ours.host)'\(Self.suffix(rival.owner))"
        let winner = winner(ours, rival)
        if created == nil {
            return "\(head): ServiceEntry \(key) is not created, since istiod joins no two objects of a host; \(winner)"
                + "; ours comes when that object is gone"
        }
        return "\(head), as ServiceEntry \(key) does: \(winner); remove one of them"
    }

    private func namespaceReason(_ namespace: ForeignObject) -> String {
        let what = created == nil ? "is not created" : "goes on"
        return
            "the domain '\(scope.domain)' is a namespace of this cluster: a host such as 'orders.\(scope.domain)' is "
            + "the Service 'orders' there, and wins in istiod; ServiceEntry \(key) \(what); choose another "
            + "translation.domain"
    }

    /// The one that matters most: a Service, then one of our namespace, then the oldest.
    private func rival(of ours: MeshService) -> ForeignObject {
        let rank = { (object: ForeignObject) in
            switch object.name.kind {
            case .service: 0
            case .namespace: 1
            case .serviceEntry: object.name.namespace == ours.namespace ? 2 : 3
            }
        }
        let first = owners.min { (rank($0), $0.created, $0.name) < (rank($1), $1.created, $1.name) }
        return first ?? ForeignObject(name: .init(kind: .namespace, namespace: "", name: scope.domain))
    }

    /// Which of the two istiod takes for the host.
    private func winner(_ ours: MeshService, _ rival: ForeignObject) -> String {
        let theirs = rival.service(ours.host)
        if rival.name.kind == .service { return "istiod takes the Service" }
        let isOurs = MeshService.namespace(of: [ours, theirs], for: "") == ours.namespace && ours.precedes(theirs)
        let name = isOurs ? "ServiceEntry \(key)" : "\(rival.name)"
        if theirs.namespace == ours.namespace { return "istiod takes \(name), which is older" }
        if created == nil { return "istiod sends calls to \(name)" }
        let loser = isOurs ? theirs.namespace : ours.namespace
        return "istiod takes \(name), which is older, but for clients of namespace '\(loser)', which get their own"
    }

    private static func suffix(_ owner: ForeignObject.Owner) -> String {
        switch owner {
        case .somebody: ""
        case .installation(let name): " (it is of the installation '\(name)')"
        case .ourselves: " (it is of this installation, from when its namespace was another one)"
        }
    }
}

/// The objects of a store: fed with a watcher's events, it says which keys changed. It does no I/O.
struct ObjectStoreState {
    private(set) var objects: [ObjectKey: APIObject] = [:]
    private(set) var isSynced = false
    /// Why the objects may be behind; `nil` while list and watch work.
    private(set) var interruption: KubernetesError?
    /// The picture that is being listed.
    private var listing: [ObjectKey: APIObject]?

    /// - Returns: the keys whose objects came, went or changed.
    mutating func handle(_ event: WatcherEvent) -> [ObjectKey] {
        switch event {
        case .listBegins: listing = [:]
        case .object(let object): listing?[object.key] = object
        case .listComplete: return completeList()
        case .changed(let object): return replace(object.key, by: object)
        case .deleted(let object): return replace(object.key, by: nil)
        case .interrupted(let error, _):
            interruption = error
            // The list that it ended is of no use any more, and large.
            listing = nil
        }
        return []
    }

    /// The server reports changes again.
    mutating func resumed() { interruption = nil }

    private mutating func completeList() -> [ObjectKey] {
        guard let listed = listing.take() else { return [] }
        let before = objects
        objects = listed
        isSynced = true
        interruption = nil
        var changed: [ObjectKey] = []
        for (key, object) in objects where before[key]?.isSameVersion(as: object) != true { changed.append(key) }
        for key in before.keys where objects[key] == nil { changed.append(key) }
        return changed
    }

    private mutating func replace(_ key: ObjectKey, by object: APIObject?) -> [ObjectKey] {
        let before = objects[key]
        objects[key] = object
        switch (before, object) {
        case (nil, nil): return []
        case (let before?, let object?): return before.isSameVersion(as: object) ? [] : [key]
        default: return [key]
        }
    }
}

extension APIObject {
    /// Two objects of one uid and resource version are equal, and need not be compared whole.
    fileprivate func isSameVersion(as other: Self) -> Bool {
        metadata.uid == other.metadata.uid && metadata.resourceVersion == other.metadata.resourceVersion
    }
}

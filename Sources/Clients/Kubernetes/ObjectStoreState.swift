/// The objects of a store. It takes a watcher's events and returns the keys that changed. It does no I/O.
struct ObjectStoreState {
    private(set) var objects: [ObjectKey: APIObject] = [:]
    private(set) var isSynced = false
    /// Why the objects may be behind; `nil` while the list and the watch work.
    private(set) var interruption: KubernetesError?
    /// The objects of the full read under way.
    private var listing: [ObjectKey: APIObject]?

    /// - Returns: the keys of the objects that were added, changed or removed.
    mutating func handle(_ event: WatcherEvent) -> [ObjectKey] {
        switch event {
        case .listBegins: listing = [:]
        case .object(let object): listing?[object.key] = object
        case .listComplete: return completeList()
        case .changed(let object): return replace(object.key, by: object)
        case .deleted(let object): return replace(object.key, by: nil)
        case .interrupted(let error, _):
            interruption = error
            // A list that broke off is useless, and it is large.
            listing = nil
        }
        return []
    }

    /// Notes that the server reports changes again.
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
    /// Compares uid and resource version. Objects that have both in common are equal.
    fileprivate func isSameVersion(as other: Self) -> Bool {
        metadata.uid == other.metadata.uid && metadata.resourceVersion == other.metadata.resourceVersion
    }
}

package import IstioAPI
internal import JSON
package import Planning

/// Our objects as the API server has them, kept by a list, by what writes return and by a watch that sends metadata only.
///
/// A pure state machine. A watch event that shows a resourceVersion which no write of ours returned means that somebody else
/// changed the object: it then has to be read before it is compared.
package struct ObjectCache: Sendable {
    private struct Entry {
        var object: ActualObject
        /// The versions that our writes returned and the watch has not shown yet, the oldest first.
        var unseen: [String] = []
        /// The last version that the watch showed and no write of ours had returned by then.
        var foreign: String?
        var isInvalid = false

        var isOutdated: Bool { foreign != nil || isInvalid }
    }

    /// More than this many writes without an echo means that the watch is far behind; then reading is cheaper.
    private static let maximumUnseen = 64

    private var entries: [ResourceKey: Entry] = [:]
    private var listing: [ResourceKey: Entry]?
    /// Objects that somebody else deleted, by their uid: the answer to a write of ours may still be on its way.
    private var deleted: [ResourceKey: String] = [:]
    /// How many lists were complete so far.
    package private(set) var listCount = 0

    package init() {}

    package var count: Int { entries.count }

    /// The object as far as it is known, and whether that is the newest there is to know.
    package subscript(key: ResourceKey) -> (object: ActualObject, isOutdated: Bool)? {
        entries[key].map { ($0.object, $0.isOutdated) }
    }
}

// MARK: - Lists and watches

extension ObjectCache {
    package mutating func listBegins() {
        listing = [:]
    }

    package mutating func listed(_ object: ActualObject) {
        listing?[object.key] = Entry(object: object)
    }

    /// - Returns: The objects that are not as they were known to be.
    package mutating func listComplete() -> Set<ResourceKey> {
        guard let listed = listing.take() else { return [] }
        let before = entries
        entries = listed
        deleted = [:]
        listCount += 1
        var changed: Set<ResourceKey> = []
        for (key, entry) in entries where before[key]?.object != entry.object { changed.insert(key) }
        for key in before.keys where entries[key] == nil { changed.insert(key) }
        return changed
    }

    /// - Returns: Whether somebody else made or changed the object.
    package mutating func observed(_ key: ResourceKey, uid: String, resourceVersion: String) -> Bool {
        guard var entry = entries[key] else {
            // It has our labels and we did not make it, or the answer to our create is still on its way.
            let unread = ActualObject(
                key: key, uid: uid, resourceVersion: resourceVersion, labels: [:], annotations: [:], spec: [:])
            entries[key] = Entry(object: unread, foreign: resourceVersion)
            return true
        }
        defer { entries[key] = entry }
        if let index = entry.unseen.firstIndex(of: resourceVersion) {
            entry.unseen.removeFirst(index + 1)
            return false
        }
        if entry.object.uid == uid, entry.object.resourceVersion == resourceVersion { return false }
        entry.foreign = resourceVersion
        return true
    }

    /// - Returns: Whether that was the object we know, and not an earlier one of the same name.
    package mutating func observedDeletion(_ key: ResourceKey, uid: String) -> Bool {
        guard let entry = entries[key], entry.object.uid == uid else { return false }
        entries[key] = nil
        deleted[key] = uid
        return true
    }
}

// MARK: - Our own requests

extension ObjectCache {
    /// A write was accepted; `object` is what it left behind.
    /// - Parameter listCount: The count of lists when the write was sent.
    package mutating func wrote(_ object: ActualObject, sentAt listCount: Int) {
        if deleted.removeValue(forKey: object.key) == object.uid {
            // It is gone again: the watch was faster than the answer.
            return
        }
        let before = entries[object.key].flatMap { $0.object.uid == object.uid ? $0 : nil }
        var entry = Entry(object: object, unseen: before?.unseen ?? [])
        if before?.foreign == object.resourceVersion {
            // It looked foreign and was this write's own echo, faster than its answer.
            entry.unseen = []
        } else {
            entry.foreign = before?.foreign
            entry.unseen.append(object.resourceVersion)
        }
        if entry.unseen.count > Self.maximumUnseen {
            entry.unseen = []
            entry.isInvalid = true
        }
        // A list that was read meanwhile may hold what somebody else did after us.
        if listCount != self.listCount { entry.isInvalid = true }
        entries[object.key] = entry
    }

    /// The object was read anew; `nil` when it is gone or not ours.
    package mutating func read(_ key: ResourceKey, _ object: ActualObject?) {
        deleted[key] = nil
        entries[key] = object.map { Entry(object: $0) }
    }

    /// What is known may be wrong: a write was refused, or nobody knows what became of it.
    package mutating func invalidate(_ key: ResourceKey) {
        entries[key]?.isInvalid = true
    }
}

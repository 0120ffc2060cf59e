package import IstioAPI
internal import JSON
package import Planning

/// Our objects as the API server has them, kept by a list, by what writes return and by a watch that sends metadata
/// only.
///
/// A pure state machine. A watch event with a resourceVersion that no request of ours returned means that another
/// writer changed the object. The object then has to be read before it is compared.
package struct ObjectCache: Sendable {
    private struct Shown {
        var uid: String
        var version: String
        var since: Duration

        /// - Parameter earlier: What was shown before: of the same object it counts since then.
        init(uid: String, version: String, after earlier: Shown?, now: Duration) {
            self.uid = uid
            self.version = version
            since = earlier.flatMap { $0.uid == uid ? $0.since : nil } ?? now
        }
    }

    private struct Entry {
        var object: StoredObject
        /// The versions that our requests returned and no list or watch has shown yet, the oldest first.
        var unseen: [String] = []
        /// The last version that the watch showed and no write of ours had returned by then.
        var foreign: String?
        var isInvalid = false
        /// The object that a list or the watch shows, its last version there, and since when it does (monotonic).
        var shown: Shown?

        var isOutdated: Bool { foreign != nil || isInvalid }
        var shownSince: Duration? { shown?.uid == object.uid ? shown?.since : nil }
    }

    /// An object as far as it is known.
    package struct Known: Sendable {
        fileprivate var stored: StoredObject
        /// Whether there is something newer to be read.
        package var isOutdated: Bool
        /// Whether somebody else changed it since.
        package var isForeign: Bool
        /// Since when a list or the watch shows the object; monotonic.
        package var shownSince: Duration?
        /// Whether it also shows what is known of it.
        package var isEchoed: Bool

        /// Made anew from its text, which costs in proportion to its size.
        package var object: ActualObject { stored.object }
        package var selectsWorkloads: Bool { stored.selectsWorkloads }
        /// Whether somebody deleted the object, and its finalizers keep it.
        package var isBeingDeleted: Bool { stored.isBeingDeleted }
        /// Without punctuation; it sorts as text.
        var created: String { stored.created }
    }

    /// What was known when a request was sent.
    package struct Ticket: Sendable {
        fileprivate var listCount: Int
        fileprivate var foreign: String?
    }

    /// More than this many writes without an echo means that the watch is far behind; then reading is cheaper.
    private static let maximumUnseen = 64

    private var entries: [ResourceKey: Entry] = [:]
    private var listing: [ResourceKey: Entry]?
    /// Objects that our own requests told of since the list began. Their answers may be newer than the list.
    private var touched: Set<ResourceKey> = []
    /// Objects that another writer deleted, until the next look. The answer to a request of ours may still be on its
    /// way.
    private var lost: [ResourceKey: StoredObject] = [:]
    private var listCount = 0

    package init() {}

    package var count: Int { entries.count }
    package var keys: some Collection<ResourceKey> { entries.keys }

    /// The object as far as it is known, and whether that is the newest there is to know.
    package subscript(key: ResourceKey) -> Known? {
        entries[key].map {
            Known(
                stored: $0.object, isOutdated: $0.isOutdated, isForeign: $0.foreign != nil, shownSince: $0.shownSince,
                isEchoed: $0.shownSince != nil && $0.unseen.isEmpty)
        }
    }
}

// MARK: - Lists and watches

extension ObjectCache {
    package mutating func listBegins() {
        listing = [:]
        touched = []
    }

    package mutating func listed(_ object: ActualObject, now: Duration) {
        let known = entries[object.key]?.shown
        listing?[object.key] = Entry(
            object: StoredObject(object),
            shown: Shown(uid: object.uid, version: object.resourceVersion, after: known, now: now))
    }

    /// The list replaces all that was known.
    package mutating func listComplete() {
        guard var listed = listing.take() else { return }
        for key in touched where listed[key]?.object.resourceVersion != entries[key]?.object.resourceVersion {
            listed[key]?.isInvalid = true
        }
        touched = []
        entries = listed
        lost = [:]
        listCount += 1
    }

    /// - Parameter seen: The object without its `spec`.
    /// - Returns: Whether somebody else made the object, or changed what is kept of it.
    package mutating func observed(_ seen: ActualObject, now: Duration) -> Bool {
        let (key, uid, resourceVersion) = (seen.key, seen.uid, seen.resourceVersion)
        guard var entry = entries[key] else {
            // It has our labels and we did not make it, or the answer to our create is still on its way.
            let unread = ActualObject(
                key: key, uid: uid, resourceVersion: resourceVersion, labels: [:], annotations: [:], spec: [:])
            entries[key] = Entry(
                object: StoredObject(unread), foreign: resourceVersion, isInvalid: true,
                shown: Shown(uid: uid, version: resourceVersion, after: nil, now: now))
            return true
        }
        defer { entries[key] = entry }
        entry.shown = Shown(uid: uid, version: resourceVersion, after: entry.shown, now: now)
        let isNewest = entry.object.uid == uid && entry.object.resourceVersion == resourceVersion
        // The watch shows versions in their order: what it showed before the one that is known is part of it.
        if isNewest { entry.foreign = nil }
        if let index = entry.unseen.firstIndex(of: resourceVersion) {
            entry.unseen.removeFirst(index + 1)
            return false
        }
        if isNewest { return false }
        // What comes after all versions of ours is newer. Another writer of `status` costs no read.
        if entry.unseen.isEmpty, !entry.isOutdated, entry.object.takeVersion(of: seen) { return false }
        entry.foreign = resourceVersion
        return true
    }

    /// - Returns: Whether the object is the known one, and not an earlier one of the same name.
    package mutating func observedDeletion(_ key: ResourceKey, uid: String) -> Bool {
        guard let entry = entries[key], entry.object.uid == uid else { return false }
        entries[key] = nil
        lost[key] = entry.object
        return true
    }
}

// MARK: - Our own requests

extension ObjectCache {
    /// To be taken before a request about the object is sent.
    package func ticket(_ key: ResourceKey) -> Ticket {
        Ticket(listCount: listCount, foreign: entries[key]?.foreign)
    }

    /// Whether another writer deleted the object since the last look.
    package func isLost(_ key: ResourceKey) -> Bool { lost[key] != nil }

    /// The object that another writer deleted since the last look. It is told once.
    package mutating func takeLost(_ key: ResourceKey) -> ActualObject? {
        lost.removeValue(forKey: key)?.object
    }

    /// A write was accepted, and left this object behind.
    package mutating func wrote(_ object: ActualObject, since ticket: Ticket) {
        // The object is gone again: the watch was faster than the answer.
        if lost[object.key]?.uid == object.uid { return }
        lost[object.key] = nil
        let before = entries[object.key].flatMap { $0.object.uid == object.uid ? $0 : nil }
        var entry = Entry(object: StoredObject(object), unseen: before?.unseen ?? [], shown: entries[object.key]?.shown)
        if before?.foreign == object.resourceVersion {
            // The version that looked foreign was this write's own echo, faster than its answer.
            entry.unseen = []
        } else {
            entry.foreign = before?.foreign
            // A write that changed nothing is not shown.
            if before?.object.resourceVersion != object.resourceVersion { entry.unseen.append(object.resourceVersion) }
        }
        if entry.unseen.count > Self.maximumUnseen {
            entry.unseen = []
            entry.isInvalid = true
        }
        // A list that was read meanwhile may hold a later change of another writer.
        if ticket.listCount != listCount { entry.isInvalid = true }
        entries[object.key] = entry
        touch(object.key)
    }

    /// The object was read anew; `nil` when it is gone or not ours. The watch or a list may have told something newer
    /// meanwhile.
    package mutating func read(_ key: ResourceKey, _ object: ActualObject?, since ticket: Ticket) {
        let told = entries[key]?.foreign.flatMap { $0 == ticket.foreign ? nil : $0 }
        touch(key)
        guard let object else {
            if told == nil, ticket.listCount == listCount { entries[key] = nil } else { invalidate(key) }
            return
        }
        if lost[key]?.uid == object.uid { return }
        lost[key] = nil
        var entry = Entry(object: StoredObject(object), shown: entries[key]?.shown)
        entry.foreign = told == object.resourceVersion ? nil : told
        let isListed = entries[key]?.object.resourceVersion == object.resourceVersion
        entry.isInvalid = ticket.listCount != listCount && !isListed
        // That it was read does not say that a watch has shown it.
        if entry.shown?.version != object.resourceVersion { entry.unseen = [object.resourceVersion] }
        entries[key] = entry
    }

    private mutating func touch(_ key: ResourceKey) {
        if listing != nil { touched.insert(key) }
    }

    /// We deleted the object.
    package mutating func removed(_ object: ActualObject) {
        touch(object.key)
        if entries[object.key]?.object.uid == object.uid { entries[object.key] = nil }
        if lost[object.key]?.uid == object.uid { lost[object.key] = nil }
    }

    /// The cache may be wrong: a write was refused, or its outcome is unknown.
    package mutating func invalidate(_ key: ResourceKey) {
        entries[key]?.isInvalid = true
    }
}

internal import JSON

extension ResourceStore {
    /// A position in the history, and what is of interest from there.
    package struct Watch: Sendable {
        package let kind: Kind
        package let namespace: String?
        package let selector: Selector
        /// The revision up to which everything was told.
        package internal(set) var cursor: UInt64
    }

    func watch(_ request: Request) throws(APIServerStatus) -> (Watch, [Event]) {
        let options = request.options
        let asked = try Self.revision(options.resourceVersion) ?? 0
        guard asked <= revision else { throw .tooLarge(resourceVersion: asked, current: revision) }
        var watch = Watch(
            kind: request.kind, namespace: request.kind.isNamespaced ? request.namespace : nil,
            selector: options.selector, cursor: asked)
        guard asked == 0 || options.sendsInitialEvents else { return (watch, []) }
        watch.cursor = revision
        var all = request
        all.options = Options()
        all.options.selector = options.selector
        return (watch, try list(all).items.map { Event(change: .added, object: $0) })
    }

    /// The next events of a watch, in order, at most `limit` of the history at a time; none when it is up to date.
    ///
    /// - Throws: 410 Expired when the history no longer reaches back to where the watch stands.
    package func events(for watch: inout Watch, limit: Int = 256) throws(APIServerStatus) -> [Event] {
        guard watch.cursor >= oldestRevision else {
            throw .expired("too old resource version: \(watch.cursor) (\(oldestRevision))")
        }
        var events: [Event] = []
        for change in history[firstChange(after: watch.cursor)...].prefix(limit) {
            watch.cursor = change.revision
            if let event = watch.event(for: change) { events.append(event) }
        }
        return events
    }

    private func firstChange(after revision: UInt64) -> Int {
        var low = history.startIndex
        var high = history.endIndex
        while low < high {
            let middle = (low + high) / 2
            if history[middle].revision <= revision { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

extension ResourceStore.Watch {
    /// To a watch, an object that enters its selector appears, and one that leaves is gone.
    fileprivate func event(for change: ResourceStore.Change) -> ResourceStore.Event? {
        guard change.kind == kind.qualifiedName else { return nil }
        guard namespace == nil || change.key.namespace == namespace else { return nil }
        let before = change.before.flatMap { selector.matches(change.key, $0.labels) ? $0 : nil }
        let after = change.after.flatMap { selector.matches(change.key, $0.labels) ? $0 : nil }
        switch (before, after) {
        case (nil, nil): return nil
        case (nil, let after?): return ResourceStore.Event(change: .added, object: after)
        case (.some, let after?): return ResourceStore.Event(change: .modified, object: after)
        case (var last?, nil):
            // The last state that matched, with the version of the change that ended it.
            last.metadata["resourceVersion"] = .string(String(change.revision))
            return ResourceStore.Event(change: .deleted, object: last)
        }
    }
}

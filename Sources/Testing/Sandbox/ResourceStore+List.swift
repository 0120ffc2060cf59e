internal import JSON

extension ResourceStore {
    /// All pages of a list show the state at the first page's revision. It is not kept anywhere: it comes from undoing
    /// the changes since, as far as the history goes back.
    func list(_ request: Request) throws(APIServerStatus) -> List {
        let options = request.options
        let token = try ContinueToken(parsing: options.continuation)
        let snapshot = if let token { token.revision } else { try revisionToList(options) }
        let objects = try objects(of: request.kind, at: snapshot)

        let range = objects.range(of: request.kind.isNamespaced ? request.namespace : nil)
        var position = range.lowerBound
        if let token { position = min(max(position, objects.lowerBound(token.next)), range.upperBound) }
        let limit = options.limit.flatMap { $0 > 0 ? $0 : nil } ?? Int.max

        var list = List(items: [], resourceVersion: String(snapshot))
        while position < range.upperBound {
            let key = objects.keys[position]
            if let object = objects[key], options.selector.matches(key, object.labels) {
                if list.items.count == limit {
                    list.continuation = ContinueToken(revision: snapshot, next: key).text
                    if options.selector.isEmpty { list.remainingItemCount = range.upperBound - position }
                    break
                }
                list.items.append(object)
            }
            position += 1
        }
        return list
    }

    /// The meaning of `resourceVersion` and `resourceVersionMatch`, by the API server's table.
    private func revisionToList(_ options: Options) throws(APIServerStatus) -> UInt64 {
        guard let asked = try Self.revision(options.resourceVersion) else {
            if options.resourceVersionMatch != nil {
                throw .badRequest("resourceVersionMatch is forbidden unless resourceVersion is provided")
            }
            return revision
        }
        guard asked <= revision else { throw .tooLarge(resourceVersion: asked, current: revision) }
        switch options.resourceVersionMatch {
        case "Exact":
            guard asked > 0 else { throw .badRequest("resourceVersionMatch \"Exact\" is forbidden for \"0\"") }
            return asked
        case "NotOlderThan": return revision
        case nil: return asked > 0 && (options.limit ?? 0) > 0 ? asked : revision
        case let other?: throw .badRequest("unknown resourceVersionMatch \"\(other)\"")
        }
    }

    /// `nil` for a resource version that is not given; 0 means any.
    static func revision(_ text: String?) throws(APIServerStatus) -> UInt64? {
        guard let text, !text.isEmpty else { return nil }
        guard let revision = UInt64(text) else { throw .badRequest("invalid resource version \"\(text)\"") }
        return revision
    }

    private func objects(of kind: Kind, at snapshot: UInt64) throws(APIServerStatus) -> Objects {
        guard snapshot >= oldestRevision else {
            throw .expired(
                "The provided continue parameter or resource version is too old to display a consistent list result. "
                    + "Start a new list without it.")
        }
        var objects = objects[kind.qualifiedName] ?? Objects()
        for change in history.reversed() {
            guard change.revision > snapshot else { break }
            if change.kind == kind.qualifiedName { objects[change.key] = change.before }
        }
        return objects
    }
}

/// Where the next page starts. Opaque to clients.
private struct ContinueToken {
    var revision: UInt64
    var next: ResourceStore.Key

    var text: String {
        let plain = "\(revision)/\(next.namespace)/\(next.name)"
        return plain.utf8.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    init(revision: UInt64, next: ResourceStore.Key) {
        self.revision = revision
        self.next = next
    }

    init?(parsing text: String?) throws(APIServerStatus) {
        guard let text, !text.isEmpty else { return nil }
        var digits = Substring(text)
        var bytes: [UInt8] = []
        while !digits.isEmpty, let byte = UInt8(digits.prefix(2), radix: 16) {
            bytes.append(byte)
            digits = digits.dropFirst(2)
        }
        let parts = String(decoding: bytes, as: UTF8.self).split(separator: "/", omittingEmptySubsequences: false)
        guard digits.isEmpty, parts.count == 3, let revision = UInt64(parts[0]) else {
            throw .badRequest("continue key is not valid")
        }
        self.revision = revision
        next = ResourceStore.Key(namespace: String(parts[1]), name: String(parts[2]))
    }
}

internal import JSON
internal import NIOCore
internal import NIOHTTP1

/// Where a request goes, found from its method and target alone.
struct APIServerRoute: Sendable {
    struct Resource: Sendable {
        var kind: ResourceStore.Kind
        var version: String
        var namespace: String?
        var name: String?
        var isForStatus = false
    }

    let target: HTTPTarget
    let method: HTTPMethod
    /// `nil` for discovery, health and unknown paths.
    let resource: Resource?
    let verb: ResourceStore.Verb?

    init(method: HTTPMethod, uri: String, kinds: [ResourceStore.Kind]) {
        target = HTTPTarget(uri)
        self.method = method
        resource = Resource(segments: target.segments, kinds: kinds)
        verb = resource.flatMap { [target] in Self.verb(method, isNamed: $0.name != nil, target) }
    }

    /// As a test sees it.
    func request(_ headers: HTTPHeaders) -> APIServerRequest {
        let authorization = headers.first(name: "authorization")
        return APIServerRequest(
            method: method.rawValue, target: target, verb: verb, resource: resource?.kind.plural,
            namespace: resource?.namespace, name: resource?.name,
            bearerToken: authorization.flatMap { $0.hasPrefix("Bearer ") ? String($0.dropFirst(7)) : nil })
    }

    /// - Throws: What makes a request impossible before the store is asked: 400, 405, 415.
    func storeRequest(headers: HTTPHeaders, body: ByteBuffer) throws(APIServerStatus) -> ResourceStore.Request? {
        guard let resource else { return nil }
        guard let verb, !resource.isForStatus || [.get, .update, .patch].contains(verb) else {
            throw APIServerStatus(
                code: 405, reason: "MethodNotAllowed",
                message: "the server does not allow this method on the requested resource")
        }
        if verb == .create, resource.kind.isNamespaced, resource.namespace == nil {
            throw .badRequest("an object of a namespace is created below /namespaces/NAMESPACE")
        }
        var request = ResourceStore.Request(verb, resource.kind)
        request.version = resource.version
        request.namespace = resource.namespace
        request.name = resource.name
        request.isForStatus = resource.isForStatus
        request.options = try options()
        request.body = try Self.body(of: verb, headers, body)
        return request
    }

    private static func verb(_ method: HTTPMethod, isNamed: Bool, _ target: HTTPTarget) -> ResourceStore.Verb? {
        switch (method, isNamed) {
        case (.GET, true): .get
        case (.GET, false): target.flag("watch") ? .watch : .list
        case (.POST, false): .create
        case (.PUT, true): .update
        case (.PATCH, true): .patch
        case (.DELETE, true): .delete
        case (.DELETE, false): .deletecollection
        default: nil
        }
    }

    private func options() throws(APIServerStatus) -> ResourceStore.Options {
        let query = target.query
        var options = ResourceStore.Options()
        options.selector = try ResourceStore.Selector(labels: query["labelSelector"], fields: query["fieldSelector"])
        options.limit = try number("limit")
        options.continuation = query["continue"]
        options.resourceVersion = query["resourceVersion"]
        options.resourceVersionMatch = query["resourceVersionMatch"]
        options.allowsBookmarks = target.flag("allowWatchBookmarks")
        options.sendsInitialEvents = target.flag("sendInitialEvents")
        options.timeout = try number("timeoutSeconds").map { .seconds($0) }
        options.isDryRun = query["dryRun"] == "All"
        return options
    }

    private func number(_ name: String) throws(APIServerStatus) -> Int? {
        guard let text = target.query[name], !text.isEmpty else { return nil }
        guard let number = Int(text), number >= 0 else { throw .badRequest("\(name) is not a number: \"\(text)\"") }
        return number
    }

    private static func body(
        of verb: ResourceStore.Verb, _ headers: HTTPHeaders, _ body: ByteBuffer
    ) throws(APIServerStatus) -> JSONValue? {
        guard verb.isWrite, verb != .delete || body.readableBytes > 0 else { return nil }
        let accepted = verb == .patch ? "application/merge-patch+json" : "application/json"
        let sent = headers.first(name: "content-type") ?? (verb == .patch ? "none" : accepted)
        let type = sent.prefix { $0 != ";" }.filter { $0 != " " }.lowercased()
        guard type == accepted else { throw .unsupportedMediaType(type, accepted: accepted) }
        do throws(JSONError) {
            return try JSONValue(parsing: body.readableBytesView)
        } catch {
            throw .badRequest("the body cannot be read: \(error)")
        }
    }
}

extension APIServerRoute.Resource {
    /// `/api/v1/…` or `/apis/GROUP/VERSION/…`, then `[namespaces/NAMESPACE/]PLURAL[/NAME[/status]]`.
    fileprivate init?(segments: [String], kinds: [ResourceStore.Kind]) {
        let group: String
        var rest: ArraySlice<String>
        switch segments.first {
        case "api": (group, rest) = ("", segments.dropFirst())
        case "apis" where segments.count > 1: (group, rest) = (segments[1], segments.dropFirst(2))
        default: return nil
        }
        guard let version = rest.popFirst() else { return nil }
        var namespace: String?
        if rest.first == "namespaces", rest.count > 2 {
            namespace = rest[rest.startIndex + 1]
            rest = rest.dropFirst(2)
        }
        guard let plural = rest.popFirst(),
            let kind = kinds.first(where: {
                $0.group == group && $0.plural == plural && $0.versions.contains(version)
            }), kind.isNamespaced || namespace == nil
        else { return nil }
        let name = rest.popFirst()
        guard name == nil || !kind.isNamespaced || namespace != nil else { return nil }
        let subresource = rest.popFirst()
        guard subresource == nil || subresource == "status" && kind.isCustom, rest.isEmpty else { return nil }
        self.init(
            kind: kind, version: version, namespace: namespace, name: name, isForStatus: subresource != nil)
    }
}

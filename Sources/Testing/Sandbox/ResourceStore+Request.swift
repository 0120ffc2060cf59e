package import JSON

extension ResourceStore {
    package enum Verb: String, Sendable, CaseIterable {
        case get, list, watch, create, update, patch, delete, deletecollection

        package var isWrite: Bool {
            switch self {
            case .get, .list, .watch: false
            case .create, .update, .patch, .delete, .deletecollection: true
            }
        }
    }

    package struct Request: Sendable {
        package var verb: Verb
        package var kind: Kind
        /// One of the kind's versions.
        package var version: String
        /// `nil` for all namespaces, and for objects of the cluster.
        package var namespace: String?
        package var name: String?
        /// The only subresource there is.
        package var isForStatus = false
        package var options = Options()
        /// The object, the merge patch (RFC 7386), or the `DeleteOptions`.
        package var body: JSONValue?

        package init(
            _ verb: Verb, _ kind: Kind, version: String? = nil, namespace: String? = nil, name: String? = nil,
            options: Options = Options(), body: JSONValue? = nil
        ) {
            self.verb = verb
            self.kind = kind
            self.version = version ?? kind.versions.first ?? "v1"
            self.namespace = namespace
            self.name = name
            self.options = options
            self.body = body
        }
    }

    /// The query of a request.
    package struct Options: Sendable {
        package var selector = Selector()
        package var limit: Int?
        package var continuation: String?
        package var resourceVersion: String?
        package var resourceVersionMatch: String?
        package var allowsBookmarks = false
        package var sendsInitialEvents = false
        package var timeout: Duration?
        package var isDryRun = false

        package init() {}
    }

    package enum Reply: Sendable {
        case object(JSONObject)
        case created(JSONObject)
        case list(List)
        /// The watch to ask for events from now on, and those that it begins with.
        case watch(Watch, [Event])
        /// A deletion that is complete; the `Status` object that says so.
        case deleted(JSONValue)
    }

    package struct List: Sendable {
        package var items: [JSONObject]
        package var resourceVersion: String
        package var continuation: String?
        package var remainingItemCount: Int?
    }

    package struct Event: Sendable, Hashable {
        package enum Change: String, Sendable {
            case added = "ADDED"
            case modified = "MODIFIED"
            case deleted = "DELETED"
        }

        package var change: Change
        package var object: JSONObject
    }
}

internal import JSON

/// One page of a list.
public struct ObjectPage: Sendable {
    public var objects: [APIObject]
    /// The version of the snapshot that all pages of the list share. A watch continues from it.
    public var resourceVersion: String
    /// The token by which the next page is requested; `nil` on the last page.
    public var continueToken: String?
}

/// The parameters of a list.
struct Listing: Sendable {
    var type: ResourceType
    var namespace: String?
    var labelSelector: String?
    var fieldSelector: String?
    var representation: Representation
    var pageSize: Int
}

/// The pages of a list. Each is fetched when it is asked for.
public struct ObjectPages: AsyncSequence, Sendable {
    public typealias Element = ObjectPage
    public typealias Failure = KubernetesError

    let transport: Transport
    let listing: Listing

    public func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(transport: transport, listing: listing)
    }

    public struct AsyncIterator: AsyncIteratorProtocol {
        private let transport: Transport
        private var listing: Listing
        private var continueToken: String?
        private var isDone = false

        init(transport: Transport, listing: Listing) {
            self.transport = transport
            self.listing = listing
        }

        public mutating func next(
            isolation actor: isolated (any Actor)? = #isolation
        ) async throws(KubernetesError) -> ObjectPage? {
            if isDone { return nil }
            // A list that failed cannot continue: its pages would not be one snapshot.
            isDone = true
            let page = try await transport.page(of: &listing, continuing: continueToken)
            continueToken = page.continueToken
            isDone = page.continueToken == nil
            return page
        }
    }
}

extension Transport {
    /// Fetches one page. The first page has no token. When a page is larger than the limit of a reply, this and all
    /// later requests ask for half as many objects.
    func page(of listing: inout Listing, continuing token: String?) async throws(KubernetesError) -> ObjectPage {
        while true {
            do throws(KubernetesError) {
                return try await wholePage(of: listing, continuing: token)
            } catch {
                guard error.code == .replyTooLarge, listing.pageSize > 1 else { throw error }
                listing.pageSize /= 2
            }
        }
    }

    private func wholePage(of listing: Listing, continuing token: String?) async throws(KubernetesError) -> ObjectPage {
        var request = APIRequest(
            path: try listing.type.path(namespace: listing.namespace), accept: listing.representation.acceptingList)
        if let selector = listing.labelSelector { request.query.append((name: "labelSelector", value: selector)) }
        if let selector = listing.fieldSelector { request.query.append((name: "fieldSelector", value: selector)) }
        request.query.append((name: "limit", value: String(listing.pageSize)))
        if let token { request.query.append((name: "continue", value: token)) }

        let list = try await document(for: request)
        let metadata = list["metadata"]
        guard let resourceVersion = metadata?["resourceVersion"]?.string, !resourceVersion.isEmpty else {
            throw malformed(request, "the list has no resource version")
        }
        var objects: [APIObject] = []
        // Go servers may write an empty list as `null`.
        for item in list["items"]?.array ?? [] {
            guard let object = APIObject(item) else {
                throw malformed(request, "the list holds an object without a name")
            }
            objects.append(object)
        }
        let next = metadata?["continue"]?.string
        return ObjectPage(
            objects: objects, resourceVersion: resourceVersion, continueToken: next.flatMap { $0.isEmpty ? nil : $0 })
    }
}

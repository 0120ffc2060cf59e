/// What one configuration centre publishes.
package struct ConfigurationStatus: Sendable, Hashable {
    /// A document of which something is not in the mesh as it was published.
    package struct Problem: Sendable, Hashable, Codable {
        package var document: String
        package var reason: String

        package init(document: String, reason: String) {
            self.document = document
            self.reason = reason
        }
    }

    /// The number of problems that a status lists.
    package static let problemLimit = 100

    package var name: String
    package var health: RegistryStatus.Health
    /// Why the centre is not healthy.
    package var reason: String?
    /// The time since every change was last seen as it happened; `nil` where it never was.
    package var lastGood: Duration?
    package var documents: Int
    /// The objects in these documents that belong into the mesh.
    package var objects: Int
    package var problems: Excerpt<Problem>
    /// The objects that are no longer published and stay, since so many are gone at once.
    package var held: Excerpt<String>
    /// How long they have been held.
    package var heldFor: Duration?

    package init(
        name: String, health: RegistryStatus.Health, reason: String? = nil, lastGood: Duration? = nil,
        documents: Int = 0, objects: Int = 0, problems: Excerpt<Problem> = .empty, held: Excerpt<String> = .empty,
        heldFor: Duration? = nil
    ) {
        self.name = name
        self.health = health
        self.reason = reason
        self.lastGood = lastGood
        self.documents = documents
        self.objects = objects
        self.problems = problems
        self.held = held
        self.heldFor = heldFor
    }
}

extension ConfigurationStatus: Codable {
    private struct Document: Codable {
        var name: String
        var health: RegistryStatus.Health
        var reason: String?
        var lastGood: Seconds?
        var documents: Int
        var objects: Int
        var problems: [Problem]
        var problemCount: Int
        var held: [String]
        var heldCount: Int
        var heldFor: Seconds?
    }

    package init(from decoder: any Decoder) throws {
        let document = try Document(from: decoder)
        self.init(
            name: document.name, health: document.health, reason: document.reason,
            lastGood: document.lastGood?.duration, documents: document.documents, objects: document.objects,
            problems: Excerpt(first: document.problems, count: document.problemCount),
            held: Excerpt(first: document.held, count: document.heldCount), heldFor: document.heldFor?.duration)
    }

    package func encode(to encoder: any Encoder) throws {
        let document = Document(
            name: name, health: health, reason: reason, lastGood: lastGood.map(Seconds.init), documents: documents,
            objects: objects, problems: problems.first, problemCount: problems.count, held: held.first,
            heldCount: held.count, heldFor: heldFor.map(Seconds.init))
        try document.encode(to: encoder)
    }
}

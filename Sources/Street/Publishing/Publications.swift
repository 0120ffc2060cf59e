package import Catalog
package import IstioAPI
package import Sources

/// What one configuration centre publishes, and what therefore stands in the mesh.
///
/// - A document that can't be read, or is no list of objects, keeps what it published before.
/// - An object that the policy refuses, or whose name or host another document has, keeps its last good form.
/// - An object that is no longer published goes when the guard lets it go, and never before a complete read.
///
/// A pure state machine. Each method that may change what is wanted returns the effects.
package struct Publications: Sendable {
    package enum Health: Sendable, Hashable {
        /// No read is complete yet.
        case starting(reason: String?)
        case healthy
        case stale(reason: String, since: Duration)
    }

    struct Document: Sendable {
        /// Of the last text that could be read.
        var manifests: [Manifest] = []
        /// The objects that are left out of it, and why.
        var problems: [String] = []
        /// The objects that the text names and that are left out of it.
        var refused: Set<ResourceKey> = []
        /// Why the newest text can't be read.
        var failure: String?
        /// Whether a text could be read since the start.
        var isKnown = false
    }

    struct Published: Sendable {
        var document: String
        var manifest: Manifest
    }

    static let goneLimit = 10_000

    package let name: String
    package let policy: PublicationPolicy
    /// The largest number of documents.
    let documentLimit: Int
    package private(set) var health = Health.starting(reason: nil)
    var documents: [String: Document] = [:]
    var table: [ResourceKey: Published] = [:]
    /// Objects of an earlier run of which it is not known yet whether they are still published, with their document.
    var seeds: [ResourceKey: String] = [:]
    var removals: RemovalGuard
    /// Objects that are to go, or are gone.
    var gone: Set<ResourceKey> = []
    /// Objects whose name or host another document has.
    var collisions: [String: [String]] = [:]
    /// The number of documents beyond the limit.
    var leftOut = 0

    /// - Parameter guardPolicy: `nil` believes every loss at once.
    package init(
        name: String, policy: PublicationPolicy, guardPolicy: GuardPolicy?, documentLimit: Int = 2_000
    ) {
        self.name = name
        self.policy = policy
        self.documentLimit = documentLimit
        removals = RemovalGuard(guardPolicy)
    }

    /// What follows from one call.
    package struct Effects: Sendable, Hashable {
        /// Objects that may have to look different.
        package var changed: Set<ResourceKey> = []
        package var holdBegan = false
        package var holdEnded = false
        /// The documents of which something is news that is left out, and what.
        package var problems: [String: String] = [:]
    }
}

// MARK: - What the centre says

extension Publications {
    package mutating func accept(_ event: ConfigurationEvent, now: Duration) -> Effects {
        var effects = Effects()
        switch event {
        case .complete(let readings):
            complete(readings, now: now, &effects)
        case .changed(let name, let reading):
            // A single read before the first complete one says nothing of the others.
            guard documents[name] != nil || documents.count < documentLimit else {
                leftOut += 1
                break
            }
            read(name, reading, &effects)
            update(now: now, &effects)
        case .removed(let name):
            documents[name] = nil
            update(now: now, &effects)
        case .interrupted(let reason):
            removals.interrupted()
            switch health {
            case .starting: health = .starting(reason: reason)
            case .healthy: health = .stale(reason: reason, since: now)
            case .stale(_, let since): health = .stale(reason: reason, since: since)
            }
        }
        return effects
    }

    private mutating func complete(
        _ readings: [String: DocumentReading], now: Duration, _ effects: inout Effects
    ) {
        health = .healthy
        // Those that are known already keep their place.
        let names = readings.keys.sorted { (documents[$0] == nil ? 1 : 0, $0) < (documents[$1] == nil ? 1 : 0, $1) }
        leftOut = max(names.count - documentLimit, 0)
        let kept = Set(names.prefix(documentLimit))
        documents = documents.filter { kept.contains($0.key) }
        for name in kept.sorted() { if let reading = readings[name] { read(name, reading, &effects) } }
        update(isEmptyAnswer: readings.isEmpty, now: now, &effects)
        take(removals.agreed(now: now), &effects)
    }

    private mutating func read(_ name: String, _ reading: DocumentReading, _ effects: inout Effects) {
        var document = documents[name] ?? Document()
        let before = (document.failure, document.problems)
        switch reading {
        case .unreadable(let reason):
            document.failure = reason
        case .text(let text):
            do throws(ManifestDocument.Unreadable) {
                let content = try ManifestDocument(text, policy)
                document = Document(
                    manifests: content.manifests + lastGood(of: content, in: document), problems: content.problems,
                    refused: content.refused, isKnown: true)
            } catch {
                document.failure = error.reason
            }
        }
        documents[name] = document
        if before != (document.failure, document.problems) {
            let problems = (document.failure.map { [$0] } ?? []) + document.problems
            if !problems.isEmpty { effects.problems[name] = problems.joined(separator: "; ") }
        }
    }

    /// The last good form of the objects that the document still names, in a form that is refused.
    private func lastGood(of content: ManifestDocument, in document: Document) -> [Manifest] {
        document.manifests.filter { manifest in
            content.refused.contains(manifest.key) && !content.manifests.contains { $0.key == manifest.key }
        }
    }
}

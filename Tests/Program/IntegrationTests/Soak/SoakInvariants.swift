internal import JSON
internal import Kubernetes

/// What the cluster showed since the start, and what of that must never be. A pure state machine.
struct SoakInvariants: Sendable {
    static let instance = "soak"
    /// Addresses that only an edit by hand puts into an object.
    static let handmadePrefix = "192.0.2."

    /// Objects of ours whose endpoints somebody takes away by hand.
    var emptiedByHand: Set<String> = []
    /// Objects of ours that somebody deletes by hand, by uid.
    var deletedByHand: Set<String> = []
    /// Services of which somebody edited or deleted an object by hand, so that their address may move.
    var touchedByHand: Set<String> = []
    /// Objects of others that may go.
    var maybeLeaving: Set<String> = []
    /// What is held: it must not go.
    var held: [SoakLine: Set<String>] = [:]
    private var objects: [String: APIObject] = [:]
    private var listing: [String: APIObject]?
    private var addresses: [String: [String]] = [:]
    private(set) var foreign: [String: [UInt8]] = [:]
    private(set) var observations = 0

    /// - Returns: What must never be.
    mutating func handle(_ event: WatcherEvent, _ registry: SoakRegistry) -> [String] {
        switch event {
        case .listBegins:
            listing = [:]
        case .object(let object):
            listing?[object.metadata.name] = object
        case .listComplete:
            guard let listed = listing.take() else { return [] }
            let gone = objects.filter { listed[$0.key]?.metadata.uid != $0.value.metadata.uid }.values
            var wrongs: [String] = []
            for object in gone { wrongs += deleted(object, registry) }
            for object in listed.values { wrongs += seen(object, registry) }
            return wrongs
        case .changed(let object):
            var wrongs: [String] = []
            if let known = objects[object.metadata.name], known.metadata.uid != object.metadata.uid {
                wrongs += deleted(known, registry)
            }
            return wrongs + seen(object, registry)
        case .deleted(let object):
            return deleted(object, registry)
        case .interrupted:
            break
        }
        return []
    }

    private mutating func seen(_ object: APIObject, _ registry: SoakRegistry) -> [String] {
        observations += 1
        let name = object.metadata.name
        defer { objects[name] = object }
        guard object.isOfSoak else {
            guard let known = foreign.updateValue(object.bytes, forKey: name), known != object.bytes else { return [] }
            return [
                "the object \(name) of somebody else was changed, to \(String(decoding: object.bytes, as: UTF8.self))"
            ]
        }
        guard let line = SoakLine(object) else { return ["\(name) does not say whose it is"] }
        var wrongs: [String] = []
        if foreign[name] != nil { wrongs.append("the object \(name) of somebody else was adopted") }
        let endpoints = object.endpoints(of: line)
        let invented = endpoints.subtracting(registry.everRegistered[line] ?? [])
            .filter { !$0.hasPrefix(Self.handmadePrefix) }
        if !invented.isEmpty {
            wrongs.append("\(name) has \(invented.sorted()), which were never registered for \(line)")
        }
        if endpoints.isEmpty, mustBeServed(line, registry), !emptiedByHand.contains(name) {
            wrongs.append("\(name) has no endpoint, though \(line) was never without providers")
        }
        let released = (held[line] ?? []).subtracting(endpoints)
        if !released.isEmpty { wrongs.append("\(name) has lost \(released.sorted()), which are held") }
        let present = object.json.virtualAddresses
        let known = addresses.updateValue(present, forKey: name)
        if let known, known != present, mustBeServed(line, registry), !touchedByHand.contains(line.service) {
            wrongs.append("the address of \(name) moved from \(known) to \(present)")
        }
        return wrongs
    }

    private mutating func deleted(_ object: APIObject, _ registry: SoakRegistry) -> [String] {
        let name = object.metadata.name
        if objects[name]?.metadata.uid == object.metadata.uid { objects[name] = nil }
        guard object.isOfSoak, let line = SoakLine(object) else {
            foreign[name] = nil
            return maybeLeaving.contains(name) ? [] : ["the object \(name) of somebody else was deleted"]
        }
        if deletedByHand.contains(object.metadata.uid) { return [] }
        if mustBeServed(line, registry) { return ["\(name) was deleted, though \(line) was never without providers"] }
        return held[line] == nil ? [] : ["\(name) was deleted, of which endpoints are held"]
    }

    private func mustBeServed(_ line: SoakLine, _ registry: SoakRegistry) -> Bool {
        registry.everRegistered[line] != nil && !registry.everUnserved.contains(line)
    }
}

extension SoakLine {
    /// `nil` for an object that doesn't say whose it is.
    init?(_ object: APIObject) {
        let text = object.metadata.annotations["isthmus.mesh/service"] ?? ""
        guard let separator = text.firstRange(of: "://") else { return nil }
        self.init(service: String(text[separator.upperBound...]), protocol: String(text[..<separator.lowerBound]))
    }
}

extension APIObject {
    var isOfSoak: Bool {
        metadata.labels["app.kubernetes.io/managed-by"] == "isthmus"
            && metadata.labels["isthmus.mesh/instance"] == SoakInvariants.instance
    }

    func endpoints(of line: SoakLine) -> Set<String> {
        Set(json.endpoints(on: SoakProvider.portNames[line.protocol] ?? ""))
    }
}

internal import JSON

/// One instance of an application.
package struct EurekaInstance: Hashable, Sendable {
    /// The state in which it is served: its own, or that by which an operator overrides it.
    package enum Status: String, Hashable, Sendable, CaseIterable {
        case up = "UP"
        case down = "DOWN"
        case starting = "STARTING"
        case outOfService = "OUT_OF_SERVICE"
        case unknown = "UNKNOWN"
    }

    /// What a delta says of it. Elsewhere it means nothing.
    package enum Action: String, Hashable, Sendable {
        case added = "ADDED"
        case modified = "MODIFIED"
        case deleted = "DELETED"
    }

    /// Tells the instances of a server apart.
    package struct Key: Hashable, Sendable, Comparable {
        package var application: String
        package var id: String

        package init(application: String, id: String) {
            self.application = application
            self.id = id
        }

        package static func < (left: Key, right: Key) -> Bool {
            (left.application, left.id) < (right.application, right.id)
        }
    }

    package var key: Key
    /// Servers take any text for it, and for the address.
    package var hostName = ""
    package var address = ""
    package var status = Status.up
    /// `nil` where it does not serve plain text.
    package var port: Int?
    /// `nil` where it does not serve TLS.
    package var securePort: Int?
    /// Virtual names, separated by commas.
    package var vipAddress = ""
    package var secureVIPAddress = ""
    package var metadata: [String: String] = [:]
    /// Of Amazon; empty elsewhere.
    package var availabilityZone = ""
    /// When it registered at the server that answers, by that server's clock, in milliseconds; 0 where it is not told.
    package var registered: Int64 = 0
    package var action = Action.added

    package init(application: String, id: String) {
        key = Key(application: application, id: id)
    }
}

extension EurekaInstance {
    /// Reads an instance as servers and old clients write it.
    ///
    /// - Parameter application: The name of the application in whose list it stands.
    /// - Returns: `nil` without anything that could be its id.
    init?(_ json: JSONValue, application: String) {
        let host = json["hostName"]?.string ?? ""
        let amazon = json["dataCenterInfo"]?["metadata"]
        let id = json["instanceId"]?.string ?? amazon?["instance-id"]?.string ?? host
        if id.isEmpty { return nil }
        self.init(application: application, id: id)
        hostName = host
        address = json["ipAddr"]?.string ?? ""
        status = json["status"]?.string.flatMap(Status.init) ?? .unknown
        port = json["port"]?.enabledPort
        securePort = json["securePort"]?.enabledPort
        vipAddress = json["vipAddress"]?.string ?? ""
        secureVIPAddress = json["secureVipAddress"]?.string ?? ""
        for member in json["metadata"]?.object?.members ?? [] where member.key != "@class" {
            metadata[member.key] = member.value.word
        }
        availabilityZone = amazon?["availability-zone"]?.string ?? ""
        registered = json["leaseInfo"]?["registrationTimestamp"]?.number ?? 0
        action = json["actionType"]?.string.flatMap(Action.init) ?? .added
    }
}

extension JSONValue {
    /// `{"$": 8080, "@enabled": "true"}`, where it is enabled.
    fileprivate var enabledPort: Int? {
        guard self["@enabled"]?.word == "true" else { return nil }
        return self["$"]?.number.flatMap { Int(exactly: $0) }
    }

    /// A number, or the text of one.
    fileprivate var number: Int64? { integer ?? string.flatMap { Int64($0) } }

    /// A text, a number or a truth value as a text.
    fileprivate var word: String? {
        switch self {
        case .string(let text): text
        case .integer(let number): "\(number)"
        case .bool(let value): "\(value)"
        default: nil
        }
    }

    /// A list, which old servers write as its only element.
    var elements: [JSONValue] {
        switch self {
        case .array(let elements): elements
        case .object: [self]
        default: []
        }
    }
}

/// A document about the whole registry, or about what changed lately.
package struct EurekaDocument: Hashable, Sendable {
    package var instances: [EurekaInstance]
    /// How many instances the server has of each status, in its own words; `nil` where it does not say so.
    package var digest: String?
    /// The instances that can't be read.
    package var unreadable: Int
    /// The server's clock when it answered, in milliseconds since 1970; `nil` where it is not told.
    package var serverTime: Int64?

    package init(
        _ instances: [EurekaInstance], digest: String? = nil, unreadable: Int = 0, serverTime: Int64? = nil
    ) {
        self.instances = instances
        self.digest = digest
        self.unreadable = unreadable
        self.serverTime = serverTime
    }

    /// - Returns: `nil` where it is no such document.
    init?(_ json: JSONValue) {
        guard let applications = json["applications"], applications.object != nil else { return nil }
        self.init([])
        digest =
            (applications["apps__hashcode"] ?? applications["apps_hashcode"] ?? applications["appsHashCode"])?.string
        for application in (applications["application"] ?? .null).elements {
            let elements = (application["instance"] ?? .null).elements
            guard let name = application["name"]?.string, !name.isEmpty else {
                unreadable += elements.count
                continue
            }
            let read = elements.compactMap { EurekaInstance($0, application: name) }
            unreadable += elements.count - read.count
            instances += read
        }
    }

    /// The digest that a server with these instances would give: the number of each status, sorted by its name.
    package static func digest(of instances: some Sequence<EurekaInstance>) -> String {
        let counts = instances.reduce(into: [String: Int]()) { $0[$1.status.rawValue, default: 0] += 1 }
        return counts.sorted { $0.key < $1.key }.map { "\($0.key)_\($0.value)_" }.joined()
    }
}

internal import Addressing
internal import JSON
internal import Testing

@testable internal import Nacos

/// Drives a state machine without a socket: it plays the server's part, and keeps what the machine wants.
struct MachineDriver {
    typealias Machine = NacosStateMachine<Int>

    var machine: Machine
    var now = Duration.zero
    /// The calls without an answer, in order.
    private(set) var calls: [(id: UInt64, request: NacosRequest)] = []
    private(set) var sent: [NacosRequest] = []
    private(set) var events: [NacosEvent] = []
    private(set) var results: [Int: Result<NacosAnswer, NacosError>] = [:]
    private(set) var drops: [(reason: String, next: String?)] = []
    private(set) var renewals = 0
    /// The type of the unary call of a recording that has no answer yet.
    private var awaited: String?

    static let server = NacosServer("127.0.0.1:8848") ?? NacosServer(.init(host: "127.0.0.1", port: 8848))

    init(_ adjust: (inout Machine.Settings) -> Void = { _ in }) {
        var settings = Machine.Settings()
        adjust(&settings)
        machine = Machine(settings: settings)
    }

    mutating func handle(_ event: (inout Machine, Duration) -> [Machine.Action]) {
        for action in event(&machine, now) {
            switch action {
            case .call(let id, let request): calls.append((id, request))
            case .abandon(let id): calls.removeAll { $0.id == id }
            case .open(let request):
                sent.append(request)
                handle { $0.streamOpened(now: $1) }
            case .send(let request): sent.append(request)
            case .complete(let completion, let result): results[completion] = result
            case .publish(let event): events.append(event)
            case .renewCredentials: renewals += 1
            case .drop(let reason, let next): drops.append((reason, next))
            }
        }
    }

    // MARK: The server's part

    /// The oldest call of this type.
    func call(_ type: String) -> (id: UInt64, request: NacosRequest)? { calls.first { $0.request.type == type } }

    /// Answers the oldest call of the type.
    mutating func answer(
        _ type: String, with payload: Payload, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let index = try #require(
            calls.firstIndex { $0.request.type == type }, "no call of \(type)", sourceLocation: sourceLocation)
        let id = calls.remove(at: index).id
        handle { $0.answered(id, payload, now: $1) }
    }

    mutating func answer(
        _ type: String, _ body: JSONValue = ["resultCode": 200], as answer: String? = nil,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let name = answer ?? type.replacing("Request", with: "Response")
        try self.answer(type, with: Payload(type: name, body: body.bytes), sourceLocation: sourceLocation)
    }

    mutating func push(_ type: String, _ body: JSONValue) {
        handle { $0.received(Payload(type: type, body: body.bytes), now: $1) }
    }

    /// Whether health checks are left without an answer.
    var isMute = false

    /// Lets time pass, with every timer on the way. Health checks are answered at once.
    mutating func advance(by duration: Duration) {
        let end = now + duration
        while let deadline = machine.deadline, deadline <= end {
            now = max(deadline, now)
            handle { $0.timerFired(now: $1) }
            while !isMute, call("HealthCheckRequest") != nil { try? answer("HealthCheckRequest") }
            if let next = machine.deadline, next <= now { break }
        }
        now = end
    }

    mutating func forgetCall(_ type: String) {
        calls.removeAll { $0.request.type == type }
    }

    // MARK: Shorthands

    /// A machine on a connection that is ready.
    static func ready(
        supportsFuzzyWatch: Bool = true, _ adjust: (inout Machine.Settings) -> Void = { _ in }
    ) throws -> MachineDriver {
        var driver = MachineDriver(adjust)
        try driver.connect(supportsFuzzyWatch: supportsFuzzyWatch)
        driver.events = []
        driver.sent = []
        return driver
    }

    mutating func connect(supportsFuzzyWatch: Bool = true) throws {
        handle { $0.connectionOpened(Self.server, version: "3.1.0", now: $1) }
        try answer("ServerCheckRequest", ["resultCode": 200, "supportAbilityNegotiation": true])
        push("SetupAckRequest", ["abilityTable": ["fuzzyWatch": .bool(supportsFuzzyWatch)]])
    }

    mutating func disconnect() {
        handle { machine, _ in machine.connectionClosed(reason: "test") }
        calls = []
    }

    mutating func subscribe(_ key: ServiceKey, _ completion: Int = 0) {
        handle { $0.subscribe(key, completion, now: $1) }
    }

    func update(_ completion: Int) throws -> ServiceUpdate {
        let answer = try #require(results[completion]).get()
        guard case .service(let update) = answer else { throw NacosError(.failed, "no service") }
        return update
    }

    func error(_ completion: Int) -> NacosError? {
        if case .failure(let error) = results[completion] { error } else { nil }
    }

    /// The updates in the events, oldest first.
    var updates: [ServiceUpdate] {
        events.compactMap { if case .service(let update) = $0 { update } else { nil } }
    }

    mutating func forgetEvents() { events = [] }
}

extension MachineDriver {
    /// Plays the server's part of a recording. What the client sends on the stream must be what was recorded.
    mutating func replay(
        _ messages: [RecordedMessage], checksAnswers: Bool = true, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let start = now
        var expected: [RecordedMessage] = []
        for message in messages {
            let target = start + message.time
            if target > now { advance(by: target - now) }
            switch (message.isFromServer, message.isOnStream) {
            case (true, true): handle { $0.received(message.payload, now: $1) }
            case (true, false):
                let call = try #require(
                    awaited, "no call awaits \(message.payload.type)", sourceLocation: sourceLocation)
                awaited = nil
                try answer(call, with: message.payload, sourceLocation: sourceLocation)
            case (false, true): expected.append(message)
            case (false, false): awaited = message.payload.type
            }
        }
        guard checksAnswers else { return }
        let answers = sent.filter { $0.type.hasSuffix("Response") }
        #expect(answers.map(\.type) == expected.map(\.payload.type), sourceLocation: sourceLocation)
        #expect(
            answers.map { $0.body["requestId"] } == expected.map { $0.body["requestId"] },
            sourceLocation: sourceLocation)
    }
}

extension ServiceUpdate {
    /// `ip:port` of each instance.
    var addresses: [String] { info.instances.map { "\($0.ip):\($0.port)" } }
}

extension JSONValue {
    /// A `serviceInfo` of a server.
    static func service(_ name: String, _ addresses: [String], at time: Int64 = 0) -> JSONValue {
        let hosts = addresses.map { address -> JSONValue in ["ip": .string(address), "port": 80] }
        return [
            "name": .string(name), "groupName": "DEFAULT_GROUP", "hosts": .array(hosts), "lastRefTime": .integer(time),
        ]
    }
}

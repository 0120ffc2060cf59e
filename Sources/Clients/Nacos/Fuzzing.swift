internal import Addressing

/// Feeds arbitrary bytes to every decoder of the client, as a message of a server. It must return for any input.
///
/// - Returns: What the client did wrong; `nil` where all is well.
package func defectOfNacos(_ bytes: UnsafeRawBufferPointer) -> String? {
    guard let payload = Payload(bytes: bytes) else { return nil }
    if Payload(bytes: payload.bytes) != payload { return "a message changed on its way through its own bytes" }
    var fuzzed = FuzzedMachine()
    fuzzed.play(payload)
    return fuzzed.defect
}

/// A client that follows one of each, and gets the same message as an answer to everything.
private struct FuzzedMachine {
    private var machine = NacosStateMachine<Int>(settings: .init())
    private var completions: [Int: Int] = [:]
    private var positions: [ServiceKey: UInt64] = [:]
    private(set) var defect: String?

    mutating func play(_ payload: Payload) {
        let ready = Payload(type: "SetupAckRequest", body: Array("{\"abilityTable\":{\"fuzzyWatch\":true}}".utf8))
        let check = Payload(type: "ServerCheckResponse", body: Array("{\"supportAbilityNegotiation\":true}".utf8))
        let server = NacosServer(.init(host: "127.0.0.1", port: NacosServer.defaultPort))
        handle { $0.connectionOpened(server, version: nil, now: .zero) }
        handle { $0.received(payload, now: .zero) }
        handle { $0.answered(1, check, now: .zero) }
        handle { $0.received(ready, now: .zero) }
        handle { $0.subscribe(ServiceKey(name: "a"), 1, now: .zero) }
        handle { $0.query(ServiceKey(name: "a"), 2, now: .zero) }
        handle { $0.submit(.config(ConfigKey(dataID: "a"), namespace: ""), 3, now: .zero) }
        handle { $0.watchServices(group: "*", name: "*", now: .zero) }
        handle { $0.watchConfigs(group: "*", dataID: "*", now: .zero) }
        handle { $0.listen(ConfigKey(dataID: "a"), md5: "", now: .zero) }
        for call in 1...machine.lastCall { handle { $0.answered(call, payload, now: .seconds(1)) } }
        for round in 1...3 {
            handle { $0.received(payload, now: .seconds(round)) }
            handle { $0.timerFired(now: .seconds(4 * round)) }
        }
        handle { $0.connectionClosed(reason: "") }
        if completions != [1: 1, 2: 1, 3: 1] { defect = "a request ended \(completions) times" }
    }

    private mutating func handle(_ event: (inout NacosStateMachine<Int>) -> [NacosStateMachine<Int>.Action]) {
        for action in event(&machine) {
            switch action {
            case .complete(let completion, _): completions[completion, default: 0] += 1
            case .publish(.service(let update)):
                if update.position <= positions[update.info.key] ?? 0 { defect = "an update is not newer" }
                positions[update.info.key] = update.position
            default: break
            }
        }
    }
}

import JSON
import Status
import Testing

@Suite("a status as JSON")
struct StatusJSONTests {
    @Test("what is read back equals what was written")
    func roundTrip() throws {
        let bytes = Samples.busy.json.bytes
        #expect(try BridgeStatus(json: JSONValue(parsing: bytes)) == Samples.busy)
        let released = Released(registry: "zk", hold: Samples.hold)
        #expect(try Released(json: JSONValue(parsing: released.json.bytes)) == released)
    }

    @Test("times are seconds with a fraction, and what is not known is left out")
    func members() {
        let json = Samples.busy.json
        #expect(json["time"] == "2027-01-15T08:00:00Z")
        #expect(json["uptime"] == .double(11_530))
        #expect(json["ready"] == true)
        let registries = json["registries"]?.array ?? []
        #expect(registries[1]["hold"]?["releasesIn"] == .double(170.25))
        #expect(registries[1]["hold"]?["serviceCount"] == 5)
        #expect(registries[1]["unreadableCount"] == 3)
        #expect(registries[2].object?.keys.contains("lastGood") == false)
        let deliveries = json["deliveries"]?.array ?? []
        #expect(deliveries.map { $0["leadership"] } == ["leading", "standby", "standby", "notElected"])
        #expect(deliveries.map { $0["leader"] } == [nil, "isthmus-1", nil, nil])
    }

    @Test("members of a newer version are passed over")
    func newer() throws {
        let json = Samples.busy.json.applying(mergePatch: ["weather": "fine"])
        #expect(try BridgeStatus(json: json) == Samples.busy)
    }

    @Test(
        "what can't be read is named",
        arguments: [
            (["uptime": "long"], "'uptime' must be a number of seconds"),
            (["uptime": .double(1e300)], "'uptime' must be a number of seconds"),
            (["time": "noon"], "'time' must be a time such as 2026-01-31T12:00:00Z, and is 'noon'"),
            (["ready": .null], "'ready' must be true or false"),
            (["registries": 1], "'registries' must be a list"),
            (["registries": ["zk"]], "'registries[0]' must be an object"),
            (["registries": [["name": 1]]], "'registries[0].name' must be text"),
            (
                ["registries": [["name": "zk", "health": "dizzy"]]],
                "'registries[0].health' is 'dizzy', and this version knows only starting, healthy, stale, removed"
            ),
            (
                ["deliveries": [["name": "d", "leadership": "shared"]]],
                "'deliveries[0].leadership' is 'shared', and this version knows only notElected, leading, standby"
            ),
        ] as [(JSONValue, String)])
    func unreadable(patch: JSONValue, message: String) {
        let json = Samples.busy.json.applying(mergePatch: patch)
        let error = #expect(throws: StatusError.self) { try BridgeStatus(json: json) }
        #expect(error?.description == message)
        #expect(throws: StatusError.self) { try BridgeStatus(json: []) }
    }

    @Test("of a long list the first are kept, and the count of all")
    func excerpt() {
        let excerpt = Excerpt(Array(1...30), limit: 20)
        #expect(excerpt.first == Array(1...20))
        #expect(excerpt.count == 30)
        #expect(excerpt.others == 10)
    }

    @Test("a bridge that is not ready says what it waits for")
    func unreadiness() {
        var status = Samples.busy
        #expect(status.unreadiness == nil)
        status.isReady = false
        #expect(
            status.unreadiness == "registry 'zk-new' was not read yet; what 'east' holds was not read yet")
        status.registries = []
        status.deliveries = []
        #expect(status.unreadiness == "the bridge is starting")
    }
}

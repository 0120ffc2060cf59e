import FoundationEssentials
import JSON
import Status
import Testing

@Suite("a status as JSON")
struct StatusJSONTests {
    @Test("a status that is read back equals the one that was written")
    func roundTrip() throws {
        #expect(try BridgeStatus(decoding: Samples.busy.encoded()) == Samples.busy)
        let released = Released(registry: "zk", instances: 3, services: Excerpt(["a", "b"], limit: 1))
        #expect(try Released(decoding: released.encoded()) == released)
    }

    @Test("durations are seconds, and a member without a value is left out")
    func members() throws {
        let json = try JSONValue(parsing: Samples.busy.encoded())
        #expect(json["time"] == "2027-01-15T08:00:00Z")
        #expect(json["uptime"] == .integer(11_530))
        #expect(json["ready"] == true)
        let registries = json["registries"]?.array ?? []
        #expect(registries[1]["hold"]?["releasesIn"] == .double(170.25))
        #expect(registries[1]["hold"]?["serviceCount"] == 5)
        #expect(registries[1]["unreadableCount"] == 3)
        #expect(registries[0]["notes"]?.array?.map { $0["sort"] } == ["tagRules", "others"])
        #expect(registries[0]["notes"]?.array?.map { $0["count"] } == [4, 1])
        #expect(registries[1]["notes"] == nil)
        #expect(registries[0]["inMesh"] == ["services": 121, "instances": 4397])
        #expect(
            registries[0]["leftOver"]
                == ["instances": 5, "services": ["dubbo://com.acme.Old"], "serviceCount": 1])
        #expect(registries[1]["leftOver"] == nil)
        #expect(registries[2].object?.keys.contains("lastGood") == false)
        let deliveries = json["deliveries"]?.array ?? []
        #expect(deliveries.map { $0["leadership"] } == ["leading", "standby", "standby", "notElected"])
        #expect(deliveries.map { $0["leader"] } == [nil, "isthmus-1", nil, nil])
    }

    @Test("the bytes are the same every time, with sorted keys and plain slashes")
    func bytes() throws {
        let released = Released(
            registry: "a/b", instances: 85, services: Excerpt(["com.acme.Orders"], limit: 9), hold: Samples.hold,
            leaders: ["pod-1"])
        #expect(
            String(decoding: try released.encoded(), as: UTF8.self) == """
                {"hold":{"age":130,"held":85,"kind":"netLoss","of":4312,"reason":"more than 15 % of the instances left \
                within a minute","releasesIn":170.25,"serviceCount":5,"services":["com.acme.Orders","com.acme.Stock"]},\
                "instances":85,"leaders":["pod-1"],"registry":"a/b","serviceCount":1,"services":["com.acme.Orders"]}
                """)
    }

    @Test("a status of an earlier release is read, whose durations always had a fraction")
    func earlierRelease() throws {
        let text = """
            {"deliveries":[{"leader":"isthmus-1","leadership":"standby","name":"default","condition":{"age":45.0,\
            "reason":"no route"},"pending":2,"seeded":true,"failureCount":1,"failures":[{"age":200.5,"kind":"refused",\
            "reason":"invalid","resource":"dubbo/orders"}]}],"instance":"main","problemCount":0,"problems":[],\
            "ready":true,"registries":[],"time":"2027-01-15T08:00:00Z","uptime":11530.0,"version":"0.1.0"}
            """
        let status = try BridgeStatus(decoding: Data(text.utf8))
        #expect(status.uptime == .seconds(11_530))
        #expect(status.time == Date(timeIntervalSince1970: 1_800_000_000))
        #expect(status.deliveries[0].leadership == .standby(holder: "isthmus-1"))
        #expect(status.deliveries[0].condition == .init(reason: "no route", age: .seconds(45)))
        #expect(status.deliveries[0].failures.first[0].age == .milliseconds(200_500))
    }

    @Test("unknown members, such as those of a newer version, are ignored")
    func newer() throws {
        let json = try JSONValue(parsing: Samples.busy.encoded()).applying(mergePatch: ["weather": "fine"])
        #expect(try BridgeStatus(decoding: Data(json.bytes)) == Samples.busy)
    }

    @Test(
        "an error names the member that can't be read",
        arguments: [
            (["uptime": "long"], "'uptime' must be a number of seconds"),
            (["uptime": .double(1e300)], "'uptime' must be a number of seconds"),
            (["time": "noon"], "'time' must be a time such as 2026-01-31T12:00:00Z, and is 'noon'"),
            (["ready": 1], "'ready' must be true or false"),
            (["ready": .null], "'ready' is missing"),
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
    func unreadable(patch: JSONValue, message: String) throws {
        let json = try JSONValue(parsing: Samples.busy.encoded()).applying(mergePatch: patch)
        let error = #expect(throws: StatusError.self) { try BridgeStatus(decoding: Data(json.bytes)) }
        #expect(error?.description == message)
        let whole = #expect(throws: StatusError.self) { try BridgeStatus(decoding: Data("[]".utf8)) }
        #expect(whole?.description == "must be an object")
        #expect(throws: StatusError.self) { try BridgeStatus(decoding: Data("{".utf8)) }
    }

    @Test("an excerpt keeps the first elements and the count of all")
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

internal import JSON
internal import Testing

@testable internal import Nacos

@Suite("Fuzzy watches")
struct FuzzyWatchTests {
    private static let version = "3.1.0-SNAPSHOT"

    private func watching(_ group: String = "*", _ name: String = "*") throws -> MachineDriver {
        var driver = try MachineDriver.ready()
        driver.handle { $0.watchServices(group: group, name: name, now: $1) }
        return driver
    }

    private func lists(_ driver: MachineDriver) -> [(names: Set<ServiceKey>, isComplete: Bool)] {
        driver.events.compactMap {
            if case .services(let names, let isComplete) = $0 { (names, isComplete) } else { nil }
        }
    }

    @Test("the list arrives whole, and then its changes")
    func life() throws {
        var driver = try watching("fuzz")
        #expect(driver.call("NamingFuzzyWatchRequest")?.request.body["groupKeyPattern"] == "public>>fuzz>>*")
        try driver.replay(try Recording("grpc-fuzzy", Self.version).messages)
        let list = try #require(lists(driver).first)
        #expect(list.names == Set((0..<23).map { ServiceKey(group: "fuzz", name: "fz-\($0)") }))
        #expect(list.isComplete)
        let new = ServiceKey(group: "fuzz", name: "fz-new")
        #expect(driver.events.suffix(2) == [.serviceAdded(new), .serviceRemoved(new)])
    }

    @Test("a pattern that nothing matches is an empty list, which is complete")
    func empty() throws {
        var driver = try watching("nosuch")
        try driver.replay(try Recording("grpc-fuzzy-nomatch", Self.version).messages)
        #expect(lists(driver).map(\.names) == [[]])
        #expect(lists(driver).first?.isComplete == true)
    }

    @Test("a list at the server's limit is not complete")
    func limit() throws {
        var driver = try watching("limit", "lim*")
        let messages = try Recording("grpc-fuzzy-limit-501", Self.version).messages
        try driver.replay(messages)
        if lists(driver).isEmpty { driver.advance(by: .seconds(20)) }
        #expect(lists(driver).map(\.isComplete) == [false])
        #expect(driver.drops.isEmpty)
    }

    @Test("a server that has no more room for a pattern has no list")
    func tooManyPatterns() throws {
        var driver = try watching()
        try driver.answer(
            "NamingFuzzyWatchRequest", ["resultCode": 500, "errorCode": 50310, "message": "over limit"])
        driver.advance(by: .seconds(20))
        #expect(lists(driver).map(\.isComplete) == [false])
    }

    @Test("a server before 3.0 has no list, and is asked again some minutes later")
    func unsupported() throws {
        var driver = try watching("fuzz")
        try driver.replay(try Recording("grpc-fuzzy-unsupported", "2.5.1").messages)
        #expect(lists(driver).map(\.isComplete) == [false])
        #expect(driver.calls.isEmpty)
        driver.advance(by: .seconds(181))
        #expect(driver.call("NamingFuzzyWatchRequest") != nil)
    }

    @Test("a list whose end is lost is told as it is, and not as complete")
    func lostEnd() throws {
        var driver = try watching("fuzz")
        let messages = try Recording("grpc-fuzzy", Self.version).messages
        try driver.replay(
            messages.filter { $0.body["syncType"]?.string != "FINISH_FUZZY_WATCH_INIT_NOTIFY" }
                .filter { $0.isFromServer || !$0.isOnStream }.filter {
                    $0.payload.type != "NamingFuzzyWatchChangeNotifyRequest"
                },
            checksAnswers: false)
        driver.advance(by: .seconds(20))
        #expect(lists(driver).map(\.names.count) == [23])
        #expect(lists(driver).first?.isComplete == false)
    }

    @Test("every three minutes the server tells what the client has missed")
    func comparison() throws {
        var driver = try watching("fuzz")
        try driver.answer("NamingFuzzyWatchRequest")
        for name in ["fz-0", "gone"] { driver.tell(name, "ADD_SERVICE", sync: "FUZZY_WATCH_INIT_NOTIFY") }
        driver.push("NamingFuzzyWatchSyncRequest", ["syncType": "FINISH_FUZZY_WATCH_INIT_NOTIFY", "contexts": []])
        driver.forgetEvents()
        driver.advance(by: .seconds(180))
        let request = try #require(driver.call("NamingFuzzyWatchRequest")).request
        #expect(request.body["initializing"] == false)
        #expect(request.body["receivedGroupKeys"]?.array?.count == 2)
        try driver.answer("NamingFuzzyWatchRequest")
        let difference = try Recording("grpc-fuzzy-diff", Self.version).messages.filter {
            $0.isFromServer && $0.isOnStream
        }
        for message in difference { driver.handle { $0.received(message.payload, now: $1) } }
        #expect(
            driver.events == [
                .serviceAdded(ServiceKey(group: "fuzz", name: "fz-22")),
                .serviceRemoved(ServiceKey(group: "fuzz", name: "gone")),
            ])
    }

    @Test("a new connection is asked for everything, since a difference of nothing has no end")
    func reconnect() throws {
        var driver = try watching("fuzz")
        try driver.answer("NamingFuzzyWatchRequest")
        driver.tell("fz-0", "ADD_SERVICE", sync: "FUZZY_WATCH_INIT_NOTIFY")
        driver.disconnect()
        try driver.connect()
        let request = try #require(driver.call("NamingFuzzyWatchRequest")).request
        #expect(request.body["initializing"] == true)
        #expect(request.body["receivedGroupKeys"] == [])
    }

    @Test("names of other namespaces, and removals of unknown ones, are no news")
    func foreign() throws {
        var driver = try watching()
        try driver.answer("NamingFuzzyWatchRequest")
        driver.push("NamingFuzzyWatchSyncRequest", ["syncType": "FINISH_FUZZY_WATCH_INIT_NOTIFY", "contexts": []])
        driver.forgetEvents()
        driver.push(
            "NamingFuzzyWatchChangeNotifyRequest", ["serviceKey": "other@@fuzz@@a", "changedType": "ADD_SERVICE"])
        driver.push("NamingFuzzyWatchChangeNotifyRequest", ["serviceKey": "public@@a", "changedType": "ADD_SERVICE"])
        driver.tell("never", "DELETE_SERVICE", sync: "FUZZY_WATCH_RESOURCE_CHANGED")
        #expect(driver.events == [])
    }

    @Test("configurations are followed in the same way")
    func configurations() throws {
        var driver = try MachineDriver.ready()
        driver.handle { $0.watchConfigs(group: "rules", dataID: "*", now: $1) }
        let messages = try Recording("grpc-config-fuzzy", Self.version).messages
        try driver.replay(messages.filter { $0.isOnStream || $0.payload.type.contains("FuzzyWatch") })
        let keys = ["later.yaml", "app.yaml"].map { ConfigKey(group: "rules", dataID: $0) }
        let new = ConfigKey(group: "rules", dataID: "fuzzy.yaml")
        #expect(
            driver.events == [.configs(Set(keys), isComplete: true), .configAdded(new), .configRemoved(new)])
    }

    @Test("the key of a configuration may have any character")
    func keys() {
        let key = ConfigKey(group: "a+b", dataID: "100%+x")
        #expect(key.fuzzyKey(namespace: "public") == "100%25%2Bx+a%2Bb+public")
        #expect(ConfigKey(fuzzyKey: key.fuzzyKey(namespace: "public"), namespace: "public") == key)
    }
}

extension MachineDriver {
    fileprivate mutating func tell(_ name: String, _ change: String, sync: String) {
        let context: JSONValue = ["serviceKey": .string("public@@fuzz@@\(name)"), "changedType": .string(change)]
        push("NamingFuzzyWatchSyncRequest", ["requestId": "1", "syncType": .string(sync), "contexts": [context]])
    }
}

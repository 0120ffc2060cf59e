internal import JSON
internal import Testing

@testable internal import Nacos

@Suite("Subscriptions")
struct SubscriptionTests {
    private static let key = ServiceKey(name: "a")

    private func answered(_ driver: inout MachineDriver, _ addresses: [String], at time: Int64 = 0) throws {
        try driver.answer("SubscribeServiceRequest", ["serviceInfo": .service("a", addresses, at: time)])
    }

    private func push(_ driver: inout MachineDriver, _ addresses: [String], at time: Int64 = 0) {
        driver.push(
            "NotifySubscriberRequest", ["requestId": "1", "serviceInfo": .service("a", addresses, at: time)])
    }

    @Test(
        "registration, changes and the death of a client arrive as the server pushes them",
        arguments: Recording.grpcVersions)
    func life(version: String) throws {
        var driver = try MachineDriver.ready()
        driver.subscribe(ServiceKey(name: "live"))
        try driver.replay(try Recording("grpc-push", version).messages)
        let update = try driver.update(0)
        #expect(update.addresses == [])
        #expect(
            driver.updates.map { update in update.info.instances.map { "\($0.ip) \($0.weight)" } } == [
                ["10.9.0.1 1.0"], ["10.9.0.1 3.0"], ["10.9.0.1 3.0", "10.9.0.2 1.0"], ["10.9.0.1 7.0", "10.9.0.2 1.0"],
                ["10.9.0.2 1.0"], ["10.9.0.1 7.0", "10.9.0.2 1.0"], ["10.9.0.2 1.0"], [], ["10.9.0.1 7.0"],
            ])
        #expect(driver.updates.map(\.position) == driver.updates.map(\.position).sorted())
        #expect(driver.updates.allSatisfy { $0.position > update.position && $0.generation == 1 })
    }

    @Test("a push that the server repeats is told once, and answered each time", arguments: Recording.grpcVersions)
    func repeated(version: String) throws {
        let messages = try Recording("grpc-push-unacked", version).messages
        let pushes = messages.filter { $0.payload.type == "NotifySubscriberRequest" }
        let key = try #require(pushes.first?.body["serviceInfo"]?["name"]?.string)
        var driver = try MachineDriver.ready()
        driver.subscribe(ServiceKey(name: key))
        try driver.answer("SubscribeServiceRequest", ["serviceInfo": .service(key, [])])
        for push in pushes { driver.handle { $0.received(push.payload, now: $1) } }
        #expect(driver.sent.count == pushes.count)
        #expect(Set(driver.updates.map(\.info)).count == driver.updates.count)
    }

    @Test("two who ask for the same service share a request")
    func shared() throws {
        var driver = try MachineDriver.ready()
        driver.subscribe(Self.key, 1)
        driver.subscribe(Self.key, 2)
        #expect(driver.calls.count == 1)
        try answered(&driver, ["10.0.0.1"])
        #expect(try driver.update(1).addresses == ["10.0.0.1:80"])
        #expect(try driver.update(2).addresses == ["10.0.0.1:80"])
        // Somebody has the answer, so it is no event.
        #expect(driver.updates.isEmpty)
    }

    @Test("every subscription is made again on the next connection, a few at a time, and its end is told")
    func redo() throws {
        var driver = try MachineDriver.ready { $0.redoWindow = 2 }
        let names = (1...5).map { "s\($0)" }
        for name in names {
            driver.subscribe(ServiceKey(name: name))
            try driver.answer("SubscribeServiceRequest", ["serviceInfo": .service(name, ["10.0.0.1"])])
        }
        driver.disconnect()
        driver.forgetEvents()
        try driver.connect()
        var resumed: [String] = []
        while let call = driver.call("SubscribeServiceRequest") {
            #expect(driver.calls.count <= 2)
            #expect(!driver.events.contains(.resubscribed(generation: 2)))
            let name = call.request.body["serviceName"]?.string ?? ""
            resumed.append(name)
            try driver.answer("SubscribeServiceRequest", ["serviceInfo": .service(name, ["10.0.0.2"])])
        }
        #expect(resumed.sorted() == names)
        #expect(driver.updates.map(\.info.key.name).sorted() == names)
        #expect(driver.updates.allSatisfy { $0.generation == 2 })
        #expect(driver.events.last == .resubscribed(generation: 2))
    }

    @Test("a client that is told not to makes no subscription again")
    func noRedo() throws {
        var driver = try MachineDriver.ready { $0.resubscribes = false }
        driver.subscribe(Self.key)
        try answered(&driver, [])
        driver.disconnect()
        driver.forgetEvents()
        try driver.connect()
        #expect(driver.calls.isEmpty)
        #expect(driver.events.last == .resubscribed(generation: 2))
        push(&driver, ["10.0.0.1"])
        #expect(driver.updates.isEmpty)
    }

    @Test("a client that follows nothing is resumed at once")
    func nothingToResume() throws {
        var driver = MachineDriver()
        try driver.connect()
        #expect(driver.events.last == .resubscribed(generation: 1))
    }

    @Test("a subscription that joins one under way after a reconnect gets its answer")
    func joined() throws {
        var driver = try MachineDriver.ready()
        driver.subscribe(Self.key, 1)
        try answered(&driver, [])
        driver.disconnect()
        try driver.connect()
        driver.subscribe(Self.key, 2)
        #expect(driver.calls.count == 1)
        try answered(&driver, ["10.0.0.1"])
        #expect(try driver.update(2).generation == 2)
    }

    @Test("a subscription that fails again after a reconnect is tried again, and no longer holds up the end")
    func failedRedo() throws {
        var driver = try MachineDriver.ready()
        driver.subscribe(Self.key)
        try answered(&driver, [])
        driver.disconnect()
        driver.forgetEvents()
        try driver.connect()
        try driver.answer("SubscribeServiceRequest", ["resultCode": 500, "errorCode": 403], as: "ErrorResponse")
        #expect(driver.events.last == .resubscribed(generation: 2))
        #expect(driver.renewals == 1)
        #expect(driver.calls.isEmpty)
        driver.advance(by: .seconds(3))
        #expect(driver.call("SubscribeServiceRequest") != nil)
    }

    @Test("a service that no server ever answered for is not followed")
    func refused() throws {
        var driver = try MachineDriver.ready()
        driver.subscribe(Self.key, 1)
        try driver.answer("SubscribeServiceRequest", ["resultCode": 500, "errorCode": 500], as: "ErrorResponse")
        #expect(driver.error(1)?.code == .failed)
        driver.disconnect()
        try driver.connect()
        #expect(driver.calls.isEmpty)
    }

    @Test("what nobody wants any more is not told, and not followed again")
    func unsubscribed() throws {
        var driver = try MachineDriver.ready()
        driver.subscribe(Self.key)
        try answered(&driver, [])
        driver.handle { $0.unsubscribe(Self.key, now: $1) }
        #expect(driver.call("SubscribeServiceRequest")?.request.body["subscribe"] == false)
        push(&driver, ["10.0.0.1"])
        #expect(driver.updates.isEmpty)
        driver.disconnect()
        try driver.connect()
        #expect(driver.calls.isEmpty)
    }

    @Test("an answer that was built before a push, and arrives after it, is older")
    func order() throws {
        var driver = try MachineDriver.ready()
        driver.subscribe(Self.key, 1)
        try answered(&driver, [], at: 10)
        driver.subscribe(Self.key, 2)
        push(&driver, ["10.0.0.1"], at: 20)
        try answered(&driver, [], at: 15)
        let pushed = try #require(driver.updates.last)
        #expect(pushed.addresses == ["10.0.0.1:80"])
        #expect(try driver.update(2).position < pushed.position)
        // The old answer did not become the newest one.
        push(&driver, ["10.0.0.1"], at: 21)
        #expect(driver.updates.count == 1)
    }

    @Test("a push from before is ignored, and the clock of the next server may be behind")
    func stale() throws {
        var driver = try MachineDriver.ready()
        driver.subscribe(Self.key)
        try answered(&driver, ["10.0.0.1"], at: 100)
        push(&driver, [], at: 99)
        #expect(driver.updates.isEmpty)
        driver.disconnect()
        try driver.connect()
        try answered(&driver, ["10.0.0.1"], at: 5)
        push(&driver, [], at: 6)
        #expect(driver.updates.map(\.addresses) == [["10.0.0.1:80"], []])
    }

    @Test("a push without a list of instances is answered, and says nothing")
    func nothingSaid() throws {
        var driver = try MachineDriver.ready()
        driver.subscribe(Self.key)
        try answered(&driver, ["10.0.0.1"])
        driver.push("NotifySubscriberRequest", ["requestId": "1", "serviceInfo": ["name": "a", "hosts": .null]])
        #expect(driver.updates.isEmpty)
        #expect(driver.sent.count == 1)
    }

    @Test("the number of subscriptions is bounded")
    func bound() throws {
        var driver = try MachineDriver.ready { $0.maximumSubscriptions = 1 }
        driver.subscribe(Self.key, 1)
        driver.subscribe(ServiceKey(name: "b"), 2)
        #expect(driver.error(2)?.code == .tooManyRequests)
        driver.subscribe(Self.key, 3)
        try answered(&driver, [])
        #expect(driver.error(3) == nil)
    }
}

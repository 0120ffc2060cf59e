internal import JSON
internal import Testing

@testable internal import Nacos

@Suite("The set-up of a connection, its health and its end")
struct ConnectionTests {
    @Test("a server that negotiates is ready when it has told its abilities", arguments: Recording.grpcVersions)
    func negotiation(version: String) throws {
        var driver = MachineDriver()
        driver.handle { $0.connectionOpened(MachineDriver.server, version: version, now: $1) }
        for message in try Recording("grpc-setup", version).messages where message.isFromServer {
            if message.isOnStream {
                driver.handle { $0.received(message.payload, now: $1) }
            } else {
                try driver.answer("ServerCheckRequest", with: message.payload)
            }
        }
        #expect(driver.sent.map(\.type) == ["ConnectionSetupRequest"])
        #expect(
            driver.events.first
                == .connected(
                    NacosConnection(
                        generation: 1, server: MachineDriver.server, kind: .grpc, version: version,
                        supportsFuzzyWatch: version == "3.1.0-SNAPSHOT")))
    }

    @Test("a server without negotiation is ready when it knows the connection")
    func registration() throws {
        var driver = MachineDriver()
        driver.handle { $0.connectionOpened(MachineDriver.server, version: nil, now: $1) }
        try driver.answer("ServerCheckRequest")
        #expect(driver.sent.map(\.type) == ["ConnectionSetupRequest"])
        // The registration comes some moments after the stream.
        try driver.answer("HealthCheckRequest", ["resultCode": 500, "errorCode": 301], as: "ErrorResponse")
        #expect(driver.events == [])
        driver.isMute = true
        driver.advance(by: .milliseconds(100))
        try driver.answer("HealthCheckRequest")
        #expect(driver.machine.connection?.generation == 1)
        #expect(driver.drops.isEmpty)
    }

    @Test("a server that is starting is left, with its words")
    func starting() throws {
        var driver = MachineDriver()
        driver.handle { $0.connectionOpened(MachineDriver.server, version: nil, now: $1) }
        try driver.answer(
            "ServerCheckRequest",
            ["resultCode": 500, "errorCode": 300, "message": "Server is starting,please try later."],
            as: "ErrorResponse")
        #expect(driver.drops.first?.reason.contains("starting") == true)
        #expect(driver.events == [])
    }

    @Test("a stream that ends before the acknowledgement ends the connection")
    func endedEarly() throws {
        var driver = MachineDriver()
        driver.handle { $0.connectionOpened(MachineDriver.server, version: nil, now: $1) }
        try driver.answer("ServerCheckRequest", ["supportAbilityNegotiation": true])
        driver.handle { machine, _ in machine.streamEnded("ended") }
        #expect(driver.drops.count == 1)
    }

    @Test("a server that answers nothing is left after the time of the set-up")
    func silence() throws {
        var driver = MachineDriver()
        driver.handle { $0.connectionOpened(MachineDriver.server, version: nil, now: $1) }
        driver.isMute = true
        driver.advance(by: .seconds(10))
        #expect(driver.drops.count == 1)
        var acknowledging = MachineDriver()
        acknowledging.handle { $0.connectionOpened(MachineDriver.server, version: nil, now: $1) }
        try acknowledging.answer("ServerCheckRequest", ["supportAbilityNegotiation": true])
        acknowledging.advance(by: .seconds(10))
        #expect(acknowledging.drops.first?.reason.contains("acknowledge") == true)
    }

    @Test("health is asked for every five seconds, whatever else flows")
    func health() throws {
        var driver = try MachineDriver.ready()
        driver.isMute = true
        for round in 1...4 {
            for step in 1...5 {
                driver.push("ClientDetectionRequest", ["requestId": "1"])
                driver.subscribe(ServiceKey(name: "s\(round)-\(step)"))
                try driver.answer("SubscribeServiceRequest", ["serviceInfo": .service("s", [])])
                driver.advance(by: .seconds(1))
            }
            try driver.answer("HealthCheckRequest")
        }
        #expect(driver.drops.isEmpty)
    }

    @Test("three health checks without an answer end the connection, before the server would")
    func mute() throws {
        var driver = try MachineDriver.ready()
        driver.isMute = true
        driver.advance(by: .seconds(13))
        #expect(driver.drops.isEmpty)
        driver.advance(by: .seconds(2))
        #expect(driver.drops.count == 1)
    }

    @Test("a server that has too much to do is there, and is not asked at once again")
    func overloaded() throws {
        var driver = try MachineDriver.ready()
        driver.isMute = true
        for _ in 1...5 {
            driver.advance(by: .seconds(5))
            #expect(driver.calls.count == 1)
            try driver.answer("HealthCheckRequest", ["resultCode": 500, "errorCode": 503], as: "ErrorResponse")
        }
        #expect(driver.drops.isEmpty)
    }

    @Test("a server that does not know the connection any more ends it", arguments: Recording.grpcVersions)
    func ejected(version: String) throws {
        var driver = try MachineDriver.ready()
        driver.isMute = true
        driver.advance(by: .seconds(5))
        let answer = try #require(
            try Recording("grpc-detection-mute", version).messages.last { $0.isFromServer })
        try driver.answer("HealthCheckRequest", with: answer.payload)
        #expect(driver.drops.count == 1)
    }

    @Test("each request of the server is answered by its number", arguments: Recording.grpcVersions)
    func detection(version: String) throws {
        var driver = try MachineDriver.ready()
        let messages = try Recording("grpc-detection", version).messages.filter(\.isOnStream)
        try driver.replay(messages.filter { $0.payload.type.hasPrefix("ClientDetection") })
        #expect(driver.sent.isEmpty == false)
    }

    @Test("a client that is sent elsewhere answers first, and then goes there", arguments: Recording.grpcVersions)
    func reset(version: String) throws {
        var driver = try MachineDriver.ready()
        let messages = try Recording("grpc-connect-reset", version).messages
        try driver.replay(messages.filter { $0.payload.type.hasPrefix("ConnectReset") })
        #expect(driver.drops.map(\.next) == ["127.0.0.2:8848"])
        driver.push("ClientDetectionRequest", ["requestId": "9"])
        #expect(driver.sent.count == 1)
    }

    @Test("an unknown request of the server is refused and harms nothing")
    func unknown() throws {
        var driver = try MachineDriver.ready()
        driver.push("LockRequest", ["requestId": "7"])
        #expect(driver.sent.map(\.type) == ["ErrorResponse"])
        driver.handle { $0.received(Payload(type: "NotifySubscriberRequest", body: Array("{".utf8)), now: $1) }
        #expect(driver.drops.isEmpty)
    }

    @Test("requests fail at once without a connection, and with it when it ends")
    func failures() throws {
        var driver = MachineDriver()
        driver.handle { $0.submit(.serverCheck, 1, now: $1) }
        #expect(driver.error(1)?.code == .disconnected)
        try driver.connect()
        driver.handle { $0.submit(.serverCheck, 2, now: $1) }
        driver.disconnect()
        #expect(driver.error(2)?.code == .disconnected)
    }

    @Test("a request without an answer fails in time, and a late answer harms nothing")
    func timeout() throws {
        var driver = try MachineDriver.ready()
        driver.handle { $0.query(ServiceKey(name: "a"), 1, now: $1) }
        let call = try #require(driver.call("ServiceQueryRequest"))
        driver.advance(by: .seconds(3))
        #expect(driver.error(1)?.code == .timedOut)
        driver.handle { $0.answered(call.id, Payload(type: "QueryServiceResponse", body: []), now: $1) }
        #expect(driver.drops.isEmpty)
    }

    @Test("the number of requests under way is bounded")
    func bound() throws {
        var driver = try MachineDriver.ready { $0.maximumOutstanding = 3 }
        for number in 1...4 { driver.handle { $0.submit(.serverCheck, number, now: $1) } }
        #expect(driver.error(4)?.code == .tooManyRequests)
        #expect(driver.error(3) == nil)
    }

    @Test("a refused token fails a request, and asks for another where nobody waits")
    func forbidden() throws {
        var driver = try MachineDriver.ready()
        let refusal: JSONValue = ["resultCode": 500, "errorCode": 403, "message": "token expired!"]
        driver.handle { $0.query(ServiceKey(name: "a"), 1, now: $1) }
        try driver.answer("ServiceQueryRequest", refusal, as: "ErrorResponse")
        #expect(driver.error(1)?.code == .forbidden)
        #expect(driver.renewals == 0)
        driver.handle { $0.watchServices(group: "*", name: "*", now: $1) }
        try driver.answer("NamingFuzzyWatchRequest", refusal, as: "ErrorResponse")
        #expect(driver.renewals == 1)
    }
}

internal import JSON
internal import Testing

@testable internal import Nacos

@Suite("Configurations")
struct ConfigurationTests {
    private static let key = ConfigKey(group: "rules", dataID: "grpc.yaml")

    @Test("changes, creations and removals of what is listened to are told", arguments: Recording.grpcVersions)
    func listening(version: String) throws {
        var driver = try MachineDriver.ready()
        driver.handle { $0.listen(Self.key, md5: "", now: $1) }
        driver.handle { $0.listen(ConfigKey(group: "rules", dataID: "later.yaml"), md5: "", now: $1) }
        let messages = try Recording("grpc-config-listen", version).messages
        // The first answer of the recording is that of two configurations which were sent together.
        let first = try #require(messages.first { $0.payload.type == "ConfigChangeBatchListenResponse" })
        while driver.call("ConfigBatchListenRequest") != nil {
            try driver.answer("ConfigBatchListenRequest", with: first.payload)
        }
        driver.forgetEvents()
        for message in messages where message.isFromServer && message.isOnStream {
            driver.handle { $0.received(message.payload, now: $1) }
        }
        let notices = messages.filter { $0.payload.type == "ConfigChangeNotifyRequest" }
        #expect(driver.events.count == notices.count)
        #expect(driver.sent.count == notices.count)
        #expect(driver.events.contains(.configChanged(Self.key)))
    }

    @Test("the answer to a listening names what has another content")
    func changed() throws {
        var driver = try MachineDriver.ready()
        driver.handle { $0.listen(Self.key, md5: "x", now: $1) }
        try driver.answer(
            "ConfigBatchListenRequest", ["changedConfigs": [["dataId": "grpc.yaml", "group": "rules", "tenant": ""]]])
        #expect(driver.events == [.configChanged(Self.key)])
    }

    @Test("everything is listened to again on the next connection, and after three minutes")
    func again() throws {
        var driver = try MachineDriver.ready()
        driver.handle { $0.listen(Self.key, md5: "x", now: $1) }
        try driver.answer("ConfigBatchListenRequest", ["changedConfigs": []])
        driver.disconnect()
        try driver.connect()
        #expect(driver.call("ConfigBatchListenRequest")?.request.body["configListenContexts"]?.array?.count == 1)
        try driver.answer("ConfigBatchListenRequest", ["changedConfigs": []])
        driver.advance(by: .seconds(181))
        #expect(driver.call("ConfigBatchListenRequest") != nil)
    }

    @Test("many configurations go in batches, and a failed batch is sent again")
    func batches() throws {
        var driver = MachineDriver()
        for number in 0..<3_500 { driver.handle { $0.listen(ConfigKey(dataID: "\(number)"), md5: "", now: $1) } }
        try driver.connect()
        #expect(driver.calls.map { $0.request.body["configListenContexts"]?.array?.count } == [3_000, 500])
        try driver.answer("ConfigBatchListenRequest", ["changedConfigs": []])
        try driver.answer("ConfigBatchListenRequest", ["resultCode": 500, "errorCode": 503], as: "ErrorResponse")
        driver.advance(by: .seconds(3))
        #expect(driver.calls.map { $0.request.body["configListenContexts"]?.array?.count } == [500])
    }

    @Test("the public namespace has no name in requests, others have theirs")
    func namespace() throws {
        var driver = try MachineDriver.ready { $0.namespace = "test" }
        driver.handle { $0.listen(Self.key, md5: "", now: $1) }
        let contexts = driver.call("ConfigBatchListenRequest")?.request.body["configListenContexts"]?.array
        #expect(contexts?.first?["tenant"] == "test")
        #expect(MachineDriver().machine.configNamespace == "")
    }

    @Test("the content is read with its digest", arguments: Recording.grpcVersions)
    func content(version: String) throws {
        let messages = try Recording("grpc-config-query", version).messages
        let contents = messages.compactMap { ConfigContent($0.body) }.filter { $0.type != nil }
        let content = try #require(contents.last)
        #expect(content.content == "k: v\n")
        #expect(content.md5 == MD5.hex(of: content.content.utf8))
    }

    @Test("the answer of a long poll names what changed")
    func longPoll() {
        #expect(
            HTTPExchange.changedKeys(in: "app.yaml%02rules%01\n") == [ConfigKey(group: "rules", dataID: "app.yaml")])
        #expect(
            HTTPExchange.changedKeys(in: "a%02g%02tenant%01b%02g%01") == [
                ConfigKey(group: "g", dataID: "a"), ConfigKey(group: "g", dataID: "b"),
            ])
        #expect(HTTPExchange.changedKeys(in: "") == [])
        #expect(HTTPExchange.changedKeys(in: "%zz") == [])
    }
}

internal import JSON
internal import Testing

@testable internal import Nacos

@Suite("Answers of real servers are read")
struct RecordedAnswerTests {
    @Test("every gRPC message goes through the codec and comes back the same")
    func everyMessage() throws {
        var count = 0
        for recording in try Recording.all() {
            for message in recording.messages {
                #expect(Payload(bytes: message.payload.bytes) == message.payload, "\(recording.name)")
                count += 1
            }
        }
        #expect(count > 700)
    }

    @Test("every service that a server tells is read, with every instance")
    func everyService() throws {
        var count = 0
        for recording in try Recording.all() {
            for body in recording.messages.compactMap({ $0.body["serviceInfo"] }) {
                let record = try #require(ServiceRecord(body), "\(recording.name)")
                #expect(record.info.instances.count == body["hosts"]?.array?.count)
                #expect(record.info.unreadableInstances == 0)
                count += 1
            }
        }
        #expect(count > 70)
    }

    @Test("every list of instances over HTTP is read", arguments: Recording.versions)
    func instanceLists(version: String) throws {
        for recording in try Recording.all() where recording.name.hasPrefix("\(version)/http-v1-instance-list") {
            for body in recording.httpBodies {
                let record = try #require(ServiceRecord(body), "\(recording.name)")
                #expect(record.info.instances.count == body["hosts"]?.array?.count, "\(recording.name)")
            }
        }
    }

    @Test("weight, cluster, metadata and group are read", arguments: Recording.versions)
    func instance(version: String) throws {
        let body = try #require(try Recording("http-v1-instance-list", version).httpBodies.first)
        let info = try #require(ServiceRecord(body)).info
        #expect(info.key == ServiceKey(name: "orders"))
        #expect(info.instances.map(\.ip) == ["10.1.0.1", "10.1.0.2"])
        #expect(info.instances.map(\.weight) == [1, 2.5])
        #expect(info.instances.map(\.cluster) == ["DEFAULT", "east"])
        let group = try #require(try Recording("http-v1-instance-list-group", version).httpBodies.first)
        #expect(ServiceRecord(group)?.info.key == ServiceKey(group: "payments", name: "billing"))
    }

    @Test("a protected service says so", arguments: Recording.grpcVersions)
    func protected(version: String) throws {
        let body = try #require(try Recording("http-v1-instance-list-protected", version).httpBodies.first)
        let info = try #require(ServiceRecord(body)).info
        #expect(info.reachesProtectionThreshold)
        #expect(info.instances.map(\.isHealthy) == [true, true, true])
    }

    @Test("an unhealthy instance and one of weight 0 are told as such", arguments: Recording.grpcVersions)
    func unhealthy(version: String) throws {
        let unhealthy = try #require(try Recording("http-v1-instance-list-unhealthy", version).httpBodies.first)
        #expect(ServiceRecord(unhealthy)?.info.instances.map(\.isHealthy) == [false])
        let weightless = try #require(try Recording("http-v1-instance-list-weight0", version).httpBodies.first)
        #expect(ServiceRecord(weightless)?.info.instances.map(\.weight) == [0])
    }

    @Test("two answers about the same instances are equal, in whatever order and whenever they were built")
    func content() {
        let first = ServiceRecord(.service("a", ["10.0.0.1", "10.0.0.2"], at: 1))
        let second = ServiceRecord(.service("a", ["10.0.0.2", "10.0.0.1"], at: 2))
        #expect(first?.info == second?.info)
        #expect(first?.info != ServiceRecord(.service("a", ["10.0.0.1"], at: 1))?.info)
    }

    @Test("an answer without a list of instances says nothing, and a bad instance harms only itself")
    func bad() {
        #expect(ServiceRecord(["name": "a", "hosts": .null]) == nil)
        #expect(ServiceRecord(["name": "a"]) == nil)
        #expect(ServiceRecord(["hosts": []]) == nil)
        let hosts: JSONValue = [
            ["ip": "10.0.0.1", "port": 80], ["ip": "", "port": 80], ["ip": "10.0.0.2"],
            ["ip": "10.0.0.3", "port": 70_000],
            "text",
        ]
        let info = ServiceRecord(["name": "a", "hosts": hosts])?.info
        #expect(info?.instances.map(\.ip) == ["10.0.0.1"])
        #expect(info?.unreadableInstances == 4)
    }

    @Test("a refusal has a code and the server's words")
    func refusals() throws {
        var codes: [String: Set<NacosError.Code>] = [:]
        for recording in try Recording.all() {
            for message in recording.messages where message.isFromServer {
                guard let error = NacosError(answer: message.payload, body: message.body) else { continue }
                codes[recording.name, default: []].insert(error.code)
            }
        }
        #expect(codes["3.1.0-SNAPSHOT/grpc-unregistered.json"] == [.unregistered])
        #expect(codes["2.5.1/grpc-fuzzy-unsupported.json"] == [.unsupported])
        #expect(codes["3.1.0-SNAPSHOT/grpc-fuzzy-limit-501.json"] == [.overLimit])
        #expect(codes["2.5.1/auth-grpc-denied.json"]?.contains(.forbidden) == true)
        #expect(codes["3.1.0-SNAPSHOT/auth-grpc-expiry.json"] == [.forbidden])
        #expect(codes["3.1.0-SNAPSHOT/grpc-push.json"] == nil)
    }
}

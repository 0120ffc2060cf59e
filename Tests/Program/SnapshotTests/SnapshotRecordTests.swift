import Addressing
import IsthmusTesting
import Services
import Snapshot
import Testing

@Suite("records of a snapshot")
struct SnapshotRecordTests {
    @Test("a record is unchanged after its way through its line", arguments: SeededGenerator.seeds(16))
    func roundTrip(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<100 {
            let record = SnapshotRecord.random(&random)
            let line = record.line
            #expect(!line.contains(UInt8(ascii: "\n")))
            let read = try SnapshotRecord(parsing: line)
            #expect(read == record)
            #expect(read.line == line)
        }
    }

    @Test("a usual value is left out, and people can read the rest")
    func line() {
        var record = SnapshotRecord.sample(1)
        record.objects[.dubbo]?.emptyFor = .milliseconds(1500)
        record.instances[0].attributes = [.init(key: "version", value: "1.0")]
        let line = """
            {"address":"240.16.0.1","instances":[{"address":"10.0.0.0","application":"shop",\
            "attributes":[{"key":"version","value":"1.0"}],"port":20880,"protocol":"dubbo"}],"name":"com.acme.S0001",\
            "objects":{"dubbo":{"emptyForMilliseconds":1500,"name":"com.acme.s0001"}},"registries":["zk"]}
            """
        #expect(String(decoding: record.line, as: UTF8.self) == line)
    }

    @Test("what an earlier release wrote is read: a group and a version, a locality that stands in the attributes")
    func earlierRelease() throws {
        let line = """
            {"address":"240.30.104.6","group":"blue","instances":[{"address":"10.1.0.1","application":"shop",\
            "attributes":[{"key":"region","value":"eu/west"},{"key":"zone","value":"a"}],"enabled":false,"port":20880,\
            "protocol":"dubbo","startTime":5,"weight":0},{"hostname":"node7","port":1,"protocol":"tri"}],\
            "name":"com.acme.Orders","objects":{"dubbo":{"name":"com.acme.orders.g-blue.v-1-2-0"},\
            "tri":{"hasWorkloads":true,"name":"com.acme.orders.g-blue.v-1-2-0.p-tri"}},"registries":["zk-main"],\
            "version":"1.2.0"}
            """
        let record = try SnapshotRecord(parsing: Array(line.utf8))
        #expect(record.id == ServiceID(name: "com.acme.Orders", group: "blue", version: "1.2.0"))
        #expect(record.objects.keys.sorted() == [.dubbo, .tri])
        #expect(record.objects[.tri]?.hasWorkloads == true)
        #expect(record.instances.map(\.protocol) == [.dubbo, .tri])
        #expect(
            record.instances.map(\.isHealthy) == [true, true] && record.instances.map(\.isEnabled) == [false, true])
        #expect(record.instances[0].locality == Locality(region: "eu/west", zone: "a"))
        #expect(record.instances[1].locality == .unknown)
        #expect(String(decoding: record.line, as: UTF8.self) == line)
    }

    @Test("qualifiers, health and an unusual locality are written where there are any")
    func newMembers() throws {
        var record = SnapshotRecord.sample(1)
        record.id = ServiceID(name: "a", qualifiers: ["scope": "east", "version": "1", "namespace": "shop"])
        record.instances[0].isHealthy = false
        record.instances[0].attributes = [.init(key: "region", value: "r")]
        record.instances[0].locality = .unknown
        let text = String(decoding: record.line, as: UTF8.self)
        #expect(text.contains(#""qualifiers":{"namespace":"shop","scope":"east"},"#))
        #expect(text.contains(#""version":"1""#) && text.contains(#""healthy":false,"locality":{}"#))
        #expect(try SnapshotRecord(parsing: record.line) == record)
    }

    @Test("times beyond what a line can hold are cut off", arguments: [(Int64.max, true), (-5, false)])
    func extremeTimes(seconds: Int64, isPositive: Bool) throws {
        let object = SnapshotRecord.Object(name: "a", emptyFor: .seconds(seconds))
        let record = SnapshotRecord(id: ServiceID(name: "a"), objects: [.tri: object])
        let read = try #require(try SnapshotRecord(parsing: record.line).objects[.tri]?.emptyFor)
        #expect(isPositive ? read > .seconds(1_000_000_000) : read == .zero)
    }

    @Test(
        "a line that is no record of this release is refused with the reason",
        arguments: [
            ("", "not JSON"), ("{", "not JSON"), ("[]", "it has no 'name'"),
            ("{\"name\":\"a\"}", "it has no 'registries'"),
            ("{\"name\":5}", "its 'name' means nothing to this release"),
            ("{\"name\":\"a\",\"address\":\"a\"}", "its 'address' means nothing"),
            ("{\"name\":\"a\",\"registries\":[1]}", "its 'registries' means nothing"),
            (rest("\"objects\":{\"udp\":{\"name\":\"a\"}}"), "it knows a protocol 'udp'"),
            (rest("\"objects\":{\"tri\":{}}"), "it has no 'name'"),
            (rest("\"objects\":{\"tri\":{\"name\":\"a\",\"emptyForMilliseconds\":-1}}"), "its 'emptyForMilliseconds'"),
            (rest("\"objects\":{},\"qualifiers\":{\"scope\":1}"), "its 'qualifiers' means nothing"),
            (rest("\"objects\":{},\"instances\":[{}]"), "it has no 'address'"),
            (
                rest("\"objects\":{},\"instances\":[{\"hostname\":\"a\",\"port\":65536,\"protocol\":\"tri\"}]"),
                "its 'port' means nothing"
            ),
            (rest("\"objects\":{},\"instances\":[{\"hostname\":\"a\",\"port\":1}]"), "it has no 'protocol'"),
        ])
    func defects(line: String, reason: String) {
        let defect = #expect(throws: SnapshotDefect.self) { try SnapshotRecord(parsing: Array(line.utf8)) }
        #expect(defect?.description.hasPrefix(reason) == true, "\(defect?.description ?? "")")
    }

    private static func rest(_ members: String) -> String {
        "{\"name\":\"a\",\"registries\":[],\(members)}"
    }
}

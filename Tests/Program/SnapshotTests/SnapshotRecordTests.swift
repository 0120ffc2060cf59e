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
            let read = try SnapshotRecord.records(parsing: line)
            #expect(read == [record])
            #expect(read.map(\.line) == [line])
        }
    }

    @Test("a usual value is left out, and people can read the rest")
    func line() {
        var record = SnapshotRecord.sample(1)
        record.assignment?.emptyFor = .milliseconds(1500)
        record.instances[0].attributes = [.init(key: "version", value: "1.0")]
        let line = """
            {"assignment":{"address":"240.16.0.1","emptyForMilliseconds":1500,"objectName":"com.acme.s0001"},\
            "instances":[{"address":"10.0.0.0","application":"shop",\
            "attributes":[{"key":"version","value":"1.0"}],"port":20880}],"name":"com.acme.S0001",\
            "protocol":"dubbo","registries":["zk"]}
            """
        #expect(String(decoding: record.line, as: UTF8.self) == line)
    }

    @Test("what an earlier release wrote is read: it has one line for all protocols of a service")
    func earlierRelease() throws {
        let line = """
            {"address":"240.30.104.6","group":"blue","instances":[{"address":"10.1.0.1","application":"shop",\
            "attributes":[{"key":"region","value":"eu/west"},{"key":"zone","value":"a"}],"enabled":false,"port":20880,\
            "protocol":"dubbo","startTime":5,"weight":0},{"hostname":"node7","port":1,"protocol":"tri"}],\
            "name":"com.acme.Orders","objects":{"dubbo":{"name":"com.acme.orders.g-blue.v-1-2-0"},\
            "tri":{"hasWorkloads":true,"name":"com.acme.orders.g-blue.v-1-2-0.p-tri"}},"registries":["zk-main"],\
            "version":"1.2.0"}
            """
        let records = try SnapshotRecord.records(parsing: Array(line.utf8))
        let expected = ["dubbo", "tri"].map {
            ServiceID(name: "com.acme.Orders", protocol: $0, group: "blue", version: "1.2.0")
        }
        #expect(records.map(\.id) == expected && records.map(\.registries) == [["zk-main"], ["zk-main"]])
        let name = "com.acme.orders.g-blue.v-1-2-0"
        let address = IPAddress("240.30.104.6")
        #expect(
            records.map(\.assignment) == [
                .init(objectName: name, address: address),
                .init(objectName: name + ".p-tri", address: address, hasWorkloads: true),
            ])
        let instances = records.flatMap(\.instances)
        #expect(instances.map { "\($0.host):\($0.port)" } == ["10.1.0.1:20880", "node7:1"])
        #expect(instances.map(\.isHealthy) == [true, true] && instances.map(\.isEnabled) == [false, true])
        #expect(instances[0].locality == Locality(region: "eu/west", zone: "a"))
        #expect(instances[1].locality == .unknown)
    }

    @Test("qualifiers, health and an unusual locality are written where there are any")
    func newMembers() throws {
        var record = SnapshotRecord.sample(1)
        record.id = ServiceID(
            name: "a", qualifiers: ["protocol": "tri", "scope": "east", "version": "1", "namespace": "shop"])!
        record.instances[0].isHealthy = false
        record.instances[0].attributes = [.init(key: "region", value: "r")]
        record.instances[0].locality = .unknown
        let text = String(decoding: record.line, as: UTF8.self)
        #expect(text.contains(#""qualifiers":{"namespace":"shop","scope":"east"},"#))
        #expect(text.contains(#""version":"1""#) && text.contains(#""healthy":false,"locality":{}"#))
        #expect(try SnapshotRecord.records(parsing: record.line) == [record])
    }

    @Test("times beyond what a line can hold are cut off", arguments: [(Int64.max, true), (-5, false)])
    func extremeTimes(seconds: Int64, isPositive: Bool) throws {
        let record = SnapshotRecord(
            id: ServiceID(name: "a", protocol: "tri"),
            assignment: .init(objectName: "a", emptyFor: .seconds(seconds)))
        let read = try #require(try SnapshotRecord.records(parsing: record.line).first?.assignment?.emptyFor)
        #expect(isPositive ? read > .seconds(1_000_000_000) : read == .zero)
    }

    @Test(
        "a line that is no record of this release is refused with the reason",
        arguments: [
            ("", "not JSON"), ("{", "not JSON"), ("[]", "it has no 'protocol'"), (of("a"), "it has no 'registries'"),
            (of(5), "its 'name' means nothing to this release"),
            ("{\"name\":\"a\"}", "it has no 'protocol'"),
            (of("a", "\"registries\":[1]"), "its 'registries' means nothing"),
            (rest("\"assignment\":{}"), "it has no 'objectName'"),
            (rest("\"assignment\":{\"objectName\":\"a\",\"address\":\"a\"}"), "its 'address' means nothing"),
            (
                rest("\"assignment\":{\"objectName\":\"a\",\"emptyForMilliseconds\":-1}"),
                "its 'emptyForMilliseconds'"
            ),
            (rest("\"qualifiers\":{\"scope\":1}"), "its 'qualifiers' means nothing"),
            (rest("\"instances\":[{}]"), "it has no 'address'"),
            (rest("\"instances\":[{\"hostname\":\"a\",\"port\":65536}]"), "its 'port' means nothing"),
            (rest("\"objects\":{\"tri\":{}}"), "it has no 'name'"),
            (rest("\"objects\":{},\"instances\":[{\"hostname\":\"a\",\"port\":1}]"), "it has no 'protocol'"),
        ])
    func defects(line: String, reason: String) {
        let defect = #expect(throws: SnapshotDefect.self) { try SnapshotRecord.records(parsing: Array(line.utf8)) }
        #expect(defect?.description.hasPrefix(reason) == true, "\(defect?.description ?? "")")
    }

    private static func of(_ name: Any, _ members: String...) -> String {
        let name = name is String ? "\"\(name)\"" : "\(name)"
        return "{" + (["\"name\":\(name)", "\"protocol\":\"tri\""] + members).joined(separator: ",") + "}"
    }

    private static func rest(_ members: String) -> String { of("a", "\"registries\":[]", members) }
}

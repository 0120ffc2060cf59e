import Addressing
import IsthmusTesting
import Services
import Snapshot
import Testing

@Suite("records of a snapshot")
struct SnapshotRecordTests {
    @Test("a record is what it was after its way through its line", arguments: SeededGenerator.seeds(16))
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

    @Test("what is usual takes no room, and the rest can be read by people")
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

    @Test("times beyond what a line can hold are cut off", arguments: [(Int64.max, true), (-5, false)])
    func extremeTimes(seconds: Int64, isPositive: Bool) throws {
        let object = SnapshotRecord.Object(name: "a", emptyFor: .seconds(seconds))
        let record = SnapshotRecord(id: ServiceID(name: "a"), objects: [.tri: object])
        let read = try #require(try SnapshotRecord(parsing: record.line).objects[.tri]?.emptyFor)
        #expect(isPositive ? read > .seconds(1_000_000_000) : read == .zero)
    }

    @Test(
        "what is no record of this release says what is wrong with it",
        arguments: [
            ("", "not JSON"), ("{", "not JSON"), ("[]", "it has no 'name'"),
            ("{\"name\":\"a\"}", "it has no 'registries'"),
            ("{\"name\":5}", "its 'name' means nothing to this release"),
            ("{\"name\":\"a\",\"address\":\"a\"}", "its 'address' means nothing"),
            ("{\"name\":\"a\",\"registries\":[1]}", "its 'registries' means nothing"),
            (rest("\"objects\":{\"udp\":{\"name\":\"a\"}}"), "it knows a protocol 'udp'"),
            (rest("\"objects\":{\"tri\":{}}"), "it has no 'name'"),
            (rest("\"objects\":{\"tri\":{\"name\":\"a\",\"emptyForMilliseconds\":-1}}"), "its 'emptyForMilliseconds'"),
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

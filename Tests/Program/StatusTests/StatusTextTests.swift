import Status
import Testing

@Suite("a status for people")
struct StatusTextTests {
    @Test("each registry and delivery has a line, and below it what needs attention")
    func busy() {
        #expect(
            Samples.busy.text { "isthmus release \($0) --admin here" } == """
                isthmus 1.2.3, instance main: ready, up 3.2 h

                REGISTRY  HEALTH    LAST GOOD  SERVICES  IN MESH  INSTANCES  IN MESH
                zk-main   healthy   now        120       121      4312       4397
                    left over: 5 instances that it does not show (dubbo://com.acme.Old)
                        they stay as long as nothing better is known; to let them go now: isthmus release zk-main --admin here --service NAME
                    not carried: tag rules: 4 (a.tag-router, b\\u{1b}.tag-router, …); no effect
                    not carried: other registrations: 1; left out
                zk-west   stale     45 s ago   10        10       22         107
                    stale: the connection was lost
                    held for 2.2 min: 85 of 4312 instances (com.acme.Orders, com.acme.Stock and 3 more)
                        more than 15 % of the instances left within a minute
                        they go in 2.8 min unless they come back; to let them go now: isthmus release zk-west --admin here
                    can't be used: 3 services
                        com.acme.Odd: no port
                        and 2 more
                zk-new    starting  never      0         0        0          0

                DELIVERY   ROLE                   SEEDED  PENDING  FAILURES
                default    leading                yes     2        2
                    dubbo/com.acme.orders refused for 3.3 min, next attempt in 20 s: spec.hosts: invalid
                    dubbo/com.acme.stock refused for 25 h: exists and is not ours
                east       standby for isthmus-1  no      0        0
                    condition for 45 s: the server refuses the credentials
                west       standby                yes     0        0
                directory  alone                  yes     0        0

                Services that are not in the mesh as they are in the registry:
                    com.acme.Huge: com.acme.huge: there are 4097 endpoints; its last good form stays
                    and 1 more

                Services with host names, each change of which is a full push; have them register addresses:
                    dubbo://com.acme.Named
                    and 3 more

                """)
    }

    @Test("two hundred resources with one failure are one line with their number and a few names")
    func grouped() {
        let group = FailureGroupStatus(
            kind: .failed, reason: "no connection", count: 200, resources: ["dubbo/a", "dubbo/b", "dubbo/c"],
            age: .seconds(60), retryIn: .zero)
        let failures = (0..<100).map {
            FailureStatus(resource: "dubbo/\($0)", kind: .failed, reason: "no connection", age: .zero)
        }
        let delivery = DeliveryStatus(
            name: "default", isSeeded: true, failures: Excerpt(first: failures, count: 205), failureGroups: [group])
        let text = BridgeStatus(
            instance: "main", version: "1", uptime: .zero, isReady: true, registries: [], deliveries: [delivery]
        ).text()
        #expect(
            text.hasSuffix(
                """
                DELIVERY  ROLE   SEEDED  PENDING  FAILURES
                default   alone  yes     0        205
                    dubbo/a, dubbo/b, dubbo/c and 197 more failed for 1 min, next attempt now: no connection
                    and 5 more, for other reasons

                """))
    }

    @Test("a hold that does not end by itself says so, and a bridge that is not ready says why")
    func unreleased() {
        var hold = Samples.hold
        hold.releasesIn = nil
        let status = BridgeStatus(
            instance: "main", version: "1", uptime: .zero, isReady: false,
            registries: [RegistryStatus(name: "zk", health: .starting, hold: hold)], deliveries: [])
        let text = status.text()
        #expect(text.hasPrefix("isthmus 1, instance main: not ready (registry 'zk' was not read yet), up 0 s\n"))
        #expect(text.contains("they stay until they come back; to let them go now: isthmus release zk\n"))
    }

    @Test("a service's name does not control the terminal")
    func printable() {
        let status = BridgeStatus(
            instance: "main", version: "1", uptime: .zero, isReady: true,
            registries: [
                RegistryStatus(
                    name: "zk", health: .healthy,
                    unreadable: Excerpt(
                        first: [.init(name: "a\u{1B}[2Jb\nc\u{202E}d", reason: "no port")], count: 1))
            ], deliveries: [])
        #expect(status.text().contains("        a\\u{1b}[2Jb\\u{a}c\\u{202e}d: no port\n"))
    }

    @Test("a release is one line")
    func released() {
        #expect(
            Released(
                registry: "zk", instances: 85,
                services: Excerpt(first: ["com.acme.Orders", "com.acme.Stock"], count: 5), hold: Samples.hold
            ).text == "Registry zk: let go of 85 instances (com.acme.Orders, com.acme.Stock and 3 more).\n")
    }
}

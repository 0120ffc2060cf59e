import FoundationEssentials
import JSON
import Status

enum Samples {
    static let hold = HoldStatus(
        kind: .netLoss, reason: "more than 15 % of the instances left within a minute", held: 85, of: 4312,
        age: .seconds(130), releasesIn: .milliseconds(170_250),
        services: Excerpt(first: ["com.acme.Orders", "com.acme.Stock"], count: 5))

    static let busy = BridgeStatus(
        instance: "main", version: "1.2.3", time: Date(timeIntervalSince1970: 1_800_000_000), uptime: .seconds(11_530),
        isReady: true,
        registries: [
            RegistryStatus(
                name: "zk-main", health: .healthy, lastGood: .zero, services: 120, instances: 4312,
                inMesh: .init(services: 121, instances: 4397),
                notes: [
                    .init(
                        sort: "tagRules", subject: "tag rules", count: 4,
                        examples: ["a.tag-router", "b\u{1B}.tag-router"], effect: "no effect"),
                    .init(sort: "others", subject: "other registrations", count: 1, examples: [], effect: "left out"),
                ], leftOver: .init(instances: 5, services: Excerpt(["dubbo://com.acme.Old"], limit: 1))),
            RegistryStatus(
                name: "zk-west", health: .stale, reason: "the connection was lost", lastGood: .seconds(45),
                services: 10, instances: 22,
                unreadable: Excerpt(first: [.init(name: "com.acme.Odd", reason: "no port")], count: 3),
                inMesh: .init(services: 10, instances: 107), hold: hold),
            RegistryStatus(name: "zk-new", health: .starting),
        ],
        deliveries: [
            DeliveryStatus(
                name: "default", leadership: .leading, isSeeded: true, pending: 2,
                failures: Excerpt(
                    [
                        FailureStatus(
                            resource: "dubbo/com.acme.orders", kind: .refused, reason: "spec.hosts: invalid",
                            age: .seconds(200), retryIn: .seconds(20)),
                        FailureStatus(
                            resource: "dubbo/com.acme.stock", kind: .refused, reason: "exists and is not ours",
                            age: .seconds(90_000)),
                    ], limit: DeliveryStatus.failureLimit),
                failureGroups: [
                    FailureGroupStatus(
                        kind: .refused, reason: "spec.hosts: invalid", count: 1, resources: ["dubbo/com.acme.orders"],
                        age: .seconds(200), retryIn: .seconds(20)),
                    FailureGroupStatus(
                        kind: .refused, reason: "exists and is not ours", count: 1, resources: ["dubbo/com.acme.stock"],
                        age: .seconds(90_000)),
                ]),
            DeliveryStatus(
                name: "east", leadership: .standby(holder: "isthmus-1"), isSeeded: false,
                condition: .init(reason: "the server refuses the credentials", age: .seconds(45))),
            DeliveryStatus(name: "west", leadership: .standby(holder: nil), isSeeded: true),
            DeliveryStatus(name: "directory", isSeeded: true),
        ],
        problems: Excerpt(
            first: [
                .init(
                    service: "com.acme.Huge", reason: "com.acme.huge: there are 4097 endpoints",
                    effect: "its last good form stays")
            ], count: 2),
        resolved: Excerpt(first: ["dubbo://com.acme.Named"], count: 4))
}

import Foundation
import IsthmusTesting
import Kubernetes
import Measuring
import ZooKeeper

/// How long a cold start takes with a thousand services of ten providers each, against a client that only writes the same objects with the
/// same verb; and a restart with nothing changed.
@main
struct ColdSync {
    static let services = 1_000
    static let providers = 10
    static let rounds = 3

    static func main() async throws {
        try await Stage.run { stage in
            try await register(stage)
            var bridgeTimes: [Double] = []
            var writerTimes: [Double] = []
            for round in 1...rounds {
                let cold = "cold-\(round)"
                let bare = "bare-\(round)"
                try await stage.server.createNamespace(cold)
                try await stage.server.createNamespace(bare)
                let bridge = try await coldStart(stage, namespace: cold)
                let writer = try await writeBare(stage, from: cold, to: bare)
                bridgeTimes.append(bridge / .seconds(1))
                writerTimes.append(writer / .seconds(1))
                print("round \(round): bridge \(seconds(bridge)), bare writer \(seconds(writer))")
            }
            let ratio = median(zip(bridgeTimes, writerTimes).map { $0 / $1 })
            print("cold sync, median ratio of bridge to bare writer: \(String(format: "%.2f", ratio))")
            try await restart(stage, namespace: "cold-\(rounds)")
        }
    }

    private static func register(_ stage: Stage) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for service in 0..<services {
                if service >= 64 { try await group.next() }
                group.addTask {
                    let interface = "com.acme.shop.module\(service % 40).Service\(service)"
                    try await stage.registry.ensurePath("/dubbo/\(interface)/providers")
                    for provider in 0..<providers {
                        try await stage.register(interface, service * providers + provider)
                    }
                }
            }
            try await group.waitForAll()
        }
        print("registered \(services) services × \(providers) providers")
    }

    /// From the start of the process to the last object in the cluster.
    private static func coldStart(_ stage: Stage, namespace: String) async throws -> Duration {
        var elapsed = Duration.zero
        let start = ContinuousClock.now
        try await stage.withBridge(namespace: namespace) { bridge in
            try await waitForObjects(stage, namespace: namespace)
            elapsed = start.duration(to: .now)
            let usage = try ProcessUsage(pid: bridge.pid)
            print(
                "  cold start: \(seconds(elapsed)), processor time \(seconds(usage.cpu)), resident \(usage.resident) MiB, "
                    + "peak \(usage.peakResident) MiB")
        }
        return elapsed
    }

    private static func waitForObjects(_ stage: Stage, namespace: String) async throws {
        var names: Set<String> = []
        let events = stage.cluster.watcher(
            Stage.entries, namespace: namespace, listing: .metadataOnly, watching: .metadataOnly)
        for await event in events {
            switch event {
            case .object(let object), .changed(let object): names.insert(object.metadata.name)
            case .deleted(let object): names.remove(object.metadata.name)
            case .listBegins, .listComplete, .interrupted: break
            }
            if names.count == services { return }
        }
    }

    /// Creates the same objects in another namespace, as many at a time as the bridge does, seen through the same kind of watch.
    private static func writeBare(_ stage: Stage, from: String, to: String) async throws -> Duration {
        var bodies: [[UInt8]] = []
        for try await page in stage.cluster.list(Stage.entries, namespace: from) {
            for object in page.objects {
                guard var json = try JSONSerialization.jsonObject(with: Data(object.bytes)) as? [String: Any],
                    let metadata = json["metadata"] as? [String: Any]
                else { continue }
                json["metadata"] = [
                    "name": metadata["name"], "labels": metadata["labels"], "annotations": metadata["annotations"],
                ]
                bodies.append(Array(try JSONSerialization.data(withJSONObject: json)))
            }
        }
        let start = ContinuousClock.now
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await waitForObjects(stage, namespace: to) }
            for (index, body) in bodies.enumerated() {
                if index >= 16 { try await group.next() }
                group.addTask {
                    _ = try await stage.cluster.create(
                        Stage.entries, namespace: to, body: body, fieldManager: "benchmark", replying: .metadataOnly)
                }
            }
            try await group.waitForAll()
        }
        return start.duration(to: .now)
    }

    /// With nothing changed: how long until both sides are read, and what is written.
    private static func restart(_ stage: Stage, namespace: String) async throws {
        let before = try stage.bridgeRequests().count { $0.isWrite }
        let start = ContinuousClock.now
        try await stage.withBridge(namespace: namespace) { bridge in
            try await eventually("both sides are read") {
                bridge.log.contains("read our objects in the cluster") && bridge.log.contains("read the registry")
            }
            let ready = start.duration(to: .now)
            // What the bridge had to say about the others was decided before this change.
            try await stage.registry.ensurePath("/dubbo/com.acme.Last/providers")
            try await stage.register("com.acme.Last", 1)
            try await eventually("the change after it is delivered") {
                try await stage.cluster.get(
                    Stage.entries, name: "com.acme.last.v-1-0-0", namespace: namespace, representation: .metadataOnly
                ).metadata.name == "com.acme.last.v-1-0-0"
            }
            let writes = try stage.bridgeRequests().count { $0.isWrite } - before - 1
            print("restart with nothing changed: ready after \(seconds(ready)), \(writes) writes")
            let usage = try ProcessUsage(pid: bridge.pid)
            print("  \(usage.resident) MiB resident, peak \(usage.peakResident) MiB")
        }
    }
}

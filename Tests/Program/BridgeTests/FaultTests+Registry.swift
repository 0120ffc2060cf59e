import IsthmusTesting
import JSON
import Pipeline
import Sandbox
import Status
import Testing
import ZooKeeper

@testable import Bridge

/// Through the wire: a ZooKeeper and an API server in memory, and all of the bridge between them.
@Suite(
    "what a registry says that can't be used, can't be read, or is older than what was known", .timeLimit(.minutes(1)))
struct RegistryFaultTests {
    /// Each with a part of the reason for which it is left out.
    private static let garbage = [
        ("garbage", "it has no '://'"), ("dubbo%3A%2F%2F10.0.0.9", "it has no port"),
        ("dubbo%3A%2F%2F10.0.0.9%3A20880%", "two hexadecimal digits"), ("%FF%FE%00", "'://'"),
        ("hessian%3A%2F%2F10.0.0.9%3A20880", "none of dubbo, tri, rest, grpc"),
        ("dubbo%3A%2F%2F10.0.0.9%3A99999", "not a port"), ("dubbo%3A%2F%2F0.0.0.0%3A20880", "stands for all addresses"),
        ("dubbo%3A%2F%2F10.0.0.9%3A20880%3Fx%3D" + String(repeating: "a", count: 1 << 20), "bytes, more than"),
    ]

    @Test("fault 20: garbage among providers is left out with its reason, and every other provider is carried over")
    func garbage() async throws {
        let log = LogRecorder()
        try await Street.run(.init(logger: log.logger)) { street, registry in
            // Each is told of when it comes; of many in one list the log names one.
            try await registry.register("a.Cart", 1)
            try await street.wait(for: "a.cart", ["10.0.0.1"])
            for (node, _) in Self.garbage { try await registry.register("a.Cart", node: node) }
            try await registry.register("a.Cart", node: "dubbo%3A%2F%2F%5B2001%3Adb8%3A%3A1%5D%3A20880")
            try await registry.register("a.Cart", node: "dubbo%3A%2F%2Fcart.example.com%3A20880")
            try await registry.register("a.Name", node: "dubbo%3A%2F%2Fname.example.com%3A20880")
            try await registry.register("a.Order", 2)
            try await street.wait(for: "a.cart", ["10.0.0.1", "2001:db8::1", "cart.example.com"])
            try await street.wait(for: "a.name", ["name.example.com"])
            try await street.wait(for: "a.order", ["10.0.0.2"])
            for (_, reason) in Self.garbage { #expect(log.messages.contains { $0.contains(reason) }) }
            // A full read finds all of it at once.
            await registry.interrupt()
            try await yield(while: !log.messages.contains { $0.contains("count: \(Self.garbage.count)") })
            try await registry.register("a.Order", 3)
            try await street.wait(for: "a.order", ["10.0.0.2", "10.0.0.3"])
            #expect(await street.endpoints("a.cart") == ["10.0.0.1", "2001:db8::1", "cart.example.com"])
        }
    }

    @Test("fault 20: a service all of whose providers are garbage keeps its last good ones")
    func nothingButGarbage() async throws {
        try await Street.run { street, registry in
            try await registry.register("a.Cart", 1)
            try await street.wait(for: "a.cart", ["10.0.0.1"])
            try await registry.register("a.Cart", node: "garbage")
            try await registry.deregister("a.Cart", 1)
            try await yield(while: await street.unreadable != ["a.Cart"])
            await registry.interrupt()
            try await registry.register("a.Order", 2)
            try await street.wait(for: "a.order", ["10.0.0.2"])
            #expect(await street.endpoints("a.cart") == ["10.0.0.1"])
            try await registry.register("a.Cart", 3)
            try await street.wait(for: "a.cart", ["10.0.0.3"])
        }
    }

    @Test("fault 21: a list that can't be read within a full read keeps its own service as it is, and no other")
    func partialFailure() async throws {
        try await Street.run { street, registry in
            for service in ["a.Cart", "a.Order"] {
                for host in 1...3 { try await registry.register(service, host) }
                try await street.wait(for: service.lowercased(), ["10.0.0.1", "10.0.0.2", "10.0.0.3"])
            }
            await registry.refuse(path: "/dubbo/a.Cart/providers", error: .noAuth)
            await registry.refuseConnections()
            await registry.dropConnections()
            for service in ["a.Cart", "a.Order"] { try await registry.deregister(service, 1) }
            await registry.refuseConnections(false)
            try await street.wait(for: "a.order", ["10.0.0.2", "10.0.0.3"])
            #expect(await street.unreadable == ["a.Cart"])
            try await street.settle()
            #expect(await street.endpoints("a.cart") == ["10.0.0.1", "10.0.0.2", "10.0.0.3"])
            await registry.refuse(path: "/dubbo/a.Cart/providers", error: nil)
            await registry.interrupt()
            try await street.wait(for: "a.cart", ["10.0.0.2", "10.0.0.3"])
        }
    }

    @Test(
        "fault 23: a registry restored from a backup is read again, and what it lacks goes to the guard"
    )
    func restoredBackup() async throws {
        var settings = ZooKeeperServer.Configuration()
        // So that the session, which nobody knows any more, is given up soon.
        settings.tick = .milliseconds(100)
        try await Street.withCluster { [settings] cluster in
            let lost = ZooKeeperServer(configuration: settings)
            let running = Task { try await lost.run() }
            defer { running.cancel() }
            try await lost.makePath("/dubbo")
            for host in 1...60 { try await lost.register("a.Cart", host) }
            try await lost.register("a.Order", 61)
            let plan = Street.Plan(sessionTimeout: .milliseconds(400))
            try await ChaosProxy.withProxy(to: try await lost.port) { proxy in
                try await Street.run(plan, cluster, registry: proxy.address) { street in
                    try await street.wait(for: "a.cart", Self.addresses(1...60))
                    try await street.wait(for: "a.order", ["10.0.0.61"])
                    running.cancel()
                    _ = await running.result
                    try await proxy.refuse()
                    try await Self.restore(settings, proxy, street)
                }
            }
        }
    }

    private static func addresses(_ hosts: ClosedRange<Int>) -> [String] { hosts.map { "10.0.0.\($0)" } }

    /// A server in its place that knows twenty of the sixty, and a service that had been removed.
    private static func restore(
        _ settings: ZooKeeperServer.Configuration, _ proxy: ChaosProxy, _ street: Street
    ) async throws {
        let backup = ZooKeeperServer(configuration: settings)
        try await backup.makePath("/dubbo")
        for host in 1...20 { try await backup.register("a.Cart", host) }
        try await backup.register("a.Till", 70)
        try await withZooKeeperServer(backup) { backup in
            await proxy.redirect(to: try await backup.port)
            try await proxy.refuse(false)
            try await street.wait(for: "a.till", ["10.0.0.70"])
            try await street.settle()
            #expect(await street.endpoints("a.cart")?.count == 60)
            #expect(await street.endpoints("a.order") == ["10.0.0.61"])
            #expect(await street.pipeline.registries.first?.hold?.held == 41)
            // The providers register anew.
            for host in 21...59 { try await backup.register("a.Cart", host) }
            try await backup.register("a.Order", 61)
            try await street.wait(for: "a.cart", addresses(1...60))
            try await yield(while: await street.pipeline.registries.first?.hold?.held != 1)
            _ = await street.pipeline.release("zk")
            try await street.wait(for: "a.cart", addresses(1...59))
            #expect(await street.endpoints("a.order") == ["10.0.0.61"])
        }
    }
}

extension Street {
    /// The services of which the registry says what can't be used.
    fileprivate var unreadable: [String] {
        get async { await pipeline.registries.first?.unreadable.first.map(\.name) ?? [] }
    }
}

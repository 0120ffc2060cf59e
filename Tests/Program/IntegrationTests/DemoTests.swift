internal import IsthmusTesting
internal import Testing

/// The demonstration, and a stock kubectl that watches it.
@Suite("The demo", .realServers, .timeLimit(.minutes(5)))
struct DemoTests {
    @Test("demo --once plays one scene, tells what became of each step, and ends by itself")
    func once() async throws {
        let output = try await Scene.isthmus(["demo", "--once"])
        #expect(output.status == .code(0), "\(output.standardError)")
        #expect(output.standardError.isEmpty, "\(output.standardError)")
        let text = output.standardOutput
        #expect(text.contains("dubbo://10.1.0.1:20880 registers com.acme.OrderService"))
        #expect(text.contains("its session expires"))
        #expect(text.split(separator: "\n").count { $0.contains("in the cluster after") } == 5)
        #expect(text.contains("no endpoint"))
    }

    @Test("while demo goes on, a stock kubectl lists and watches its entries, and SIGTERM ends it with code 0")
    func watchAlong() async throws {
        let folder = try TemporaryFolder(label: "demo")
        let kubectl = try ServerTools.locate().kubectl
        let environment = ["HOME": folder.path, "KUBECONFIG": folder.path(of: "none")]
        let demo = try ChildProcess.start(
            "isthmus demo", executable: ServerTools.builtProduct("isthmus"), arguments: ["demo"],
            log: folder.path(of: "log"))
        let head = try await eventually("the demo says how to watch along") {
            demo.log
        } until: {
            $0.contains("kubectl --server http://") && $0.contains("registers com.acme.OrderService")
        }
        let url = try #require(head.firstMatch(of: /--server (\S+)/)).1
        let list = try await eventually("kubectl lists the entry") {
            try await ChildProcess.outputOfRunning(
                kubectl, ["--server", String(url), "get", "serviceentries", "-A"], environment: environment)
        } until: {
            $0.contains("com.acme.orderservice")
        }
        #expect(list.contains("NAMESPACE"))
        #expect(list.contains("MESH_INTERNAL"))
        let watch = try ChildProcess.start(
            "kubectl", executable: kubectl, arguments: ["--server", String(url), "get", "serviceentries", "-A", "-w"],
            environment: environment, log: folder.path(of: "watch"))
        // The first lines are the list; what follows are changes.
        try await eventually("the watch shows changes") {
            watch.log.split(separator: "\n").count { $0.contains("com.acme.orderservice") }
        } until: {
            $0 >= 4
        }
        await watch.stop()
        #expect(await demo.stop() == .code(0))
    }
}

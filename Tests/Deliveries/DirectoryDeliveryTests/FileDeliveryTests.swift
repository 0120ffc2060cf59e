import Deliveries
import DirectoryDelivery
import Foundation
import IstioAPI
import JSON
import Planning
import Testing
import YAML

@Suite("a delivery into a folder", .timeLimit(.minutes(1)))
struct FileDeliveryTests {
    @Test("each resource becomes a file of its own, follows its changes, and goes with it")
    func lifecycle() async throws {
        try await Folder.with { folder in
            try await folder.withDelivery { delivery in
                folder.wish(.sample("a", 1), .sample("b", 1), of: delivery)
                await folder.wishes.receive(2)
                #expect(folder.files == ["dubbo/a.yaml", "dubbo/b.yaml"])
                let first = try folder.text("a")
                #expect(first == ServiceEntry.sample("a", 1).json(version: "v1beta1").yaml)
                folder.wish(.sample("a", 1, 2), of: delivery)
                await folder.wishes.receive(3)
                let second = try folder.text("a")
                #expect(second == ServiceEntry.sample("a", 1, 2).json(version: "v1beta1").yaml)
                folder.wish(absent: "b", of: delivery)
                await folder.wishes.receive(4)
                #expect(folder.files == ["dubbo/a.yaml"])
            }
            #expect(
                folder.wishes.receipts.map(\.outcome) == [
                    .created(.full([.appears])), .created(.full([.appears])), .updated(.endpointsOnly),
                    .deleted(.full([.disappears])),
                ])
        }
    }

    @Test("files of others are neither changed nor removed, whatever is in them, and a taken name is reported")
    func foreignFiles() async throws {
        try await Folder.with { folder in
            var foreign = ServiceEntry.sample("a", 9)
            foreign.labels = ["owner": "somebody"]
            let texts = [
                "dubbo/a.yaml": foreign.json(version: "v1").yaml, "dubbo/b.yaml": "just text\n",
                "dubbo/c.yaml": "- a\n- list\n", "dubbo/README.md": "ours? no", "loose.yaml": "kind: Namespace\n",
                // Our labels, yet not where we would put it.
                "dubbo/copy.yaml": ServiceEntry.sample("original", 1).json(version: "v1").yaml,
            ]
            for (path, text) in texts { try folder.write(text, to: path) }
            try await folder.withDelivery { delivery in
                folder.wish(.sample("a", 1), .sample("b", 1), .sample("c", 1), of: delivery)
                await folder.wishes.receive(3)
                for name in ["a", "b", "c", "copy"] { folder.wish(absent: name, of: delivery) }
                folder.wish(.sample("last", 1), of: delivery)
                await folder.wishes.wait { $0.contains { $0.key.name == "last" } }
            }
            for (path, text) in texts {
                let kept = try folder.text(at: path)
                #expect(kept == text)
            }
            // On a slow machine they are tried, and refused, a second time.
            let refused = folder.wishes.receipts.filter { $0.failure != nil }
            #expect(Set(refused.map(\.key.name)) == ["a", "b", "c"])
            #expect(refused.allSatisfy { $0.failure?.contains("exists and is not ours") ?? false })
        }
    }

    @Test("what is broken off as the bridge stops is no failure")
    func stop() async throws {
        try await Folder.with { folder in
            let delivery = folder.delivery
            let attempt = await Task {
                withUnsafeCurrentTask { $0?.cancel() }
                return await delivery.carryOut(.create(.serviceEntry(.sample("a", 1))), .in("a"))
            }.value
            #expect(attempt == .abandoned)
            #expect(folder.files == [])
        }
    }

    @Test("what somebody added to our file is kept, and what they changed of ours is put right")
    func foreignFields() async throws {
        try await Folder.with { folder in
            let ours = ServiceEntry.sample("a", 1).json(version: "v1beta1")
            let theirs: JSONValue = [
                "metadata": ["annotations": ["argocd.argoproj.io/sync-wave": "1"], "labels": ["team": "shop"]],
                "spec": ["exportTo": ["."], "hosts": ["stolen.example"]],
            ]
            try folder.write(ours.applying(mergePatch: theirs).yaml, to: "dubbo/a.yaml")
            try await folder.withDelivery { delivery in
                folder.wish(.sample("a", 1), of: delivery)
                await folder.wishes.receive(1)
            }
            let kept = theirs.applying(mergePatch: ["spec": ["hosts": ["a.example"]]])
            #expect(try JSONValue(yaml: folder.text("a")) == ours.applying(mergePatch: kept))
        }
    }

    @Test("a file that can't be read stops no other one, and is tried again")
    func unreadableFile() async throws {
        try await Folder.with { folder in
            // A folder in place of a file can't be read by anybody, not even by root.
            try folder.makeFolder("dubbo/bad.yaml")
            try folder.write("a: [", to: "dubbo/broken.yaml")
            try await folder.withDelivery { delivery in
                folder.wish(.sample("bad", 1), .sample("broken", 1), .sample("good", 1), of: delivery)
                await folder.wishes.receive(3)
                #expect(try folder.text("good") == ServiceEntry.sample("good", 1).json(version: "v1beta1").yaml)
                #expect(try folder.text("broken") == "a: [")
                let reasons = folder.wishes.receipts.compactMap(\.failure)
                // They are tried again and again.
                #expect(Set(reasons).count == 2)
                #expect(reasons.allSatisfy { $0.contains("/dubbo/b") }, "\(reasons)")
                try folder.remove("dubbo/bad.yaml")
                await folder.wishes.wait {
                    $0.contains { $0.key.name == "bad" && $0.outcome == .created(.full([.appears])) }
                }
            }
        }
    }

    @Test("files that lie beside the namespaces' folders, the bridge's own snapshot among them, are passed over")
    func looseFiles() async throws {
        try await Folder.with { folder in
            let names = [".isthmus-main.state", ".isthmus-main.state.lock", ".isthmus-main.state.corrupt-1"]
            let text = ServiceEntry.sample("a", 1).json(version: "v1beta1").yaml
            for name in names { try folder.write(text, to: name) }
            try await folder.withDelivery { delivery in
                folder.wish(.sample("a", 1), of: delivery)
                await folder.wishes.receive(1)
            }
            #expect(folder.wishes.seeded.isEmpty)
            #expect(folder.wishes.receipts.map(\.outcome) == [.created(.full([.appears]))])
            #expect(try names.map { try folder.text(at: $0) } == names.map { _ in text })
        }
    }

    @Test("a restart with nothing changed rewrites no file")
    func restart() async throws {
        try await Folder.with { folder in
            try await folder.withDelivery { delivery in
                folder.wish(.sample("a", 1), .sample("b", 1, 2), of: delivery)
                await folder.wishes.receive(2)
            }
            let before = try ["a", "b"].map { try folder.identity($0) }
            try await folder.withDelivery { delivery in
                // One file at a time: the last one shows that the others were looked at.
                folder.wish(.sample("a", 1), .sample("b", 1, 2), .sample("last", 1), of: delivery)
                await folder.wishes.receive(1)
            }
            #expect(folder.wishes.seeded.map(\.key.name) == ["a", "b"])
            #expect(try ["a", "b"].map { try folder.identity($0) } == before)
        }
    }

    @Test("a reader never sees half of a file")
    func atomicity() async throws {
        try await Folder.with { folder in
            try await folder.withDelivery { delivery in
                folder.wish(.sample("a", 1), of: delivery)
                await folder.wishes.receive(1)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        while !Task.isCancelled {
                            let document = try JSONValue(yaml: folder.text("a"))
                            let endpoints = document["spec"]?["endpoints"]?.array
                            #expect(endpoints?.count == 1 || endpoints?.count == 50)
                            await Task.yield()
                        }
                    }
                    for round in 2...60 {
                        let endpoints = round % 2 == 0 ? Array(1...50) : [1]
                        folder.wish(.sample("a", endpoints: endpoints), of: delivery)
                        await folder.wishes.receive(round)
                    }
                    group.cancelAll()
                    try await group.waitForAll()
                }
                #expect(folder.files == ["dubbo/a.yaml"])
            }
        }
    }

    @Test("what was planned for a file that changed meanwhile is not carried out")
    func outdated() async throws {
        try await Folder.with { folder in
            let delivery = folder.delivery
            let entry = ServiceEntry.sample("a", 1)
            #expect(
                await delivery.carryOut(.create(.serviceEntry(entry)), entry.key) == .done(.created(.full([.appears]))))
            #expect(await delivery.carryOut(.create(.serviceEntry(entry)), entry.key) == .outdated)
            let actual = try #require(try await delivery.owned().first)
            let deletion = Change.plan(desired: nil, actual: actual, ownership: Folder.ownership)
            let patch = Change.plan(
                desired: .serviceEntry(.sample("a", 2)), actual: actual, ownership: Folder.ownership)
            try folder.write("metadata: { name: a, namespace: dubbo }\n", to: "dubbo/a.yaml")
            #expect(await delivery.carryOut(deletion, entry.key) == .outdated)
            #expect(await delivery.carryOut(patch, entry.key) == .outdated)
            #expect(try folder.text("a") == "metadata: { name: a, namespace: dubbo }\n")
        }
    }

    @Test("a folder that can't be made is named")
    func impossibleFolder() async throws {
        try await Folder.with { folder in
            try folder.write("", to: "file")
            let delivery = folder.delivery(at: "file/out")
            let entry = ServiceEntry.sample("a", 1)
            guard case .failed(let reason, _) = await delivery.carryOut(.create(.serviceEntry(entry)), entry.key) else {
                Issue.record("it should fail")
                return
            }
            #expect(reason.contains("file/out/dubbo/a.yaml"))
            #expect(!reason.contains("NSCocoaErrorDomain"), "\(reason)")
        }
    }

    @Test(
        "WorkloadEntries are files of their own, which are there before and after the entry selects them"
    )
    func workloads() async throws {
        try await Folder.with { folder in
            var entry = ServiceEntry.sample("a", 1, 2)
            let inline = entry
            entry.workloadSelector = ServiceEntry.selector(forEntry: "a")
            let workloads = entry.endpoints.map { entry.workload(of: $0) }
            try await folder.withDelivery { delivery in
                folder.wish(inline, of: delivery)
                await folder.wishes.receive(1)
                folder.wishes[entry.key] = .present(entry)
                for workload in workloads { folder.wishes[workload.key] = .present(.workloadEntry(workload)) }
                // Only the entry is told of: what it needs comes with it.
                delivery.changed([entry.key])
                await folder.wishes.receive(2)
                #expect(
                    folder.files
                        == (workloads.map { "dubbo/\($0.key.name)_workloadentry.yaml" } + ["dubbo/a.yaml"]).sorted())
                let selecting = try folder.text("a")
                #expect(selecting.contains("workloadSelector"))
                #expect(!selecting.contains("10.0.0.1"))
                folder.wishes[entry.key] = .present(inline)
                for workload in workloads { folder.wishes[workload.key] = .absent }
                delivery.changed([workloads[0].key])
                await folder.wishes.receive(3)
                let inlined = try folder.text("a")
                #expect(inlined.contains("10.0.0.2"))
                #expect(folder.files.count == 2)
            }
            // A restart sees what is left.
            try await folder.withDelivery { _ in
                await folder.wishes.receive(1)
                #expect(folder.wishes.seeded.map(\.key.kind).sorted() == [.serviceEntry, .workloadEntry])
                #expect(folder.files == ["dubbo/a.yaml"])
            }
        }
    }
}

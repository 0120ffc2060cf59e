import IsthmusTesting
import JSON
import NIOHTTP1
import Sandbox
import Testing

private let entries = "/apis/networking.istio.io/v1/namespaces/default/serviceentries"

@Suite("The API-server double on the wire", .timeLimit(.minutes(1)))
struct APIServerWireTests {
    @Test("one connection serves a create, a get, a patch, a list and a delete")
    func lifeOfAnObject() async throws {
        try await withAPIServer { server in
            try await withConnection(to: server) { connection in
                let created = try await connection.request(.POST, entries, body: serviceEntry("a"))
                #expect(created?.status == 201)
                #expect(created?.json?["kind"] == "ServiceEntry")
                let other = entries.replacing("/v1/", with: "/v1beta1/")
                let shown = try await connection.request(.GET, other + "/a")
                #expect(shown?.json?["apiVersion"] == "networking.istio.io/v1beta1")
                let patched = try await connection.request(
                    .PATCH, entries + "/a", body: ["spec": ["hosts": ["b.example"]]])
                #expect(patched?.json?["metadata"]?["generation"] == 2)
                let list = try await connection.request(.GET, entries + "?labelSelector=%21app&limit=5")
                #expect(list?.json?["kind"] == "ServiceEntryList")
                #expect(list?.json?["items"]?.array?.count == 1)
                #expect(list?.json?["items"]?.array?.first?["apiVersion"] == "networking.istio.io/v1")
                let deleted = try await connection.request(.DELETE, entries + "/a")
                #expect(deleted?.json?["status"] == "Success")
                let gone = try await connection.request(.GET, entries + "/a")
                #expect(gone?.status == 404)
                #expect(gone?.json?["reason"] == "NotFound")
            }
            let counts = await server.requestCounts
            #expect(counts[.get, "serviceentries"] == 2)
            #expect(counts[.create, "serviceentries"] == 1)
            #expect(counts.writes == 3)
            #expect(counts.total == 6)
        }
    }

    @Test("a watch brings changes as they happen, a bookmark at its timeout, and leaves the connection usable")
    func watch() async throws {
        let clock = ManualClock()
        try await withAPIServer(APIServer(clock: clock)) { server in
            try await withConnection(to: server) { connection in
                let known = await server.store.revision
                try await connection.send(
                    .GET,
                    "/apis/networking.istio.io/v1/serviceentries?watch=true&resourceVersion=\(known)"
                        + "&allowWatchBookmarks=true&timeoutSeconds=3")
                #expect(try await connection.receiveHead()?.status == 200)
                try await server.perform(.create(serviceEntry("a")))
                let added = try await connection.line()
                #expect(added?["type"] == "ADDED")
                #expect(added?["object"]?["metadata"]?["name"] == "a")
                try await server.perform(.delete("a"))
                #expect(try await connection.line()?["type"] == "DELETED")
                await clock.someoneSleeps()
                clock.advance(by: .seconds(3))
                let bookmark = try await connection.line()
                #expect(bookmark?["type"] == "BOOKMARK")
                let current = await server.store.revision
                #expect(bookmark?["object"]?["metadata"]?["resourceVersion"] == .string(String(current)))
                #expect(try await connection.line() == nil)
                #expect(try await connection.request(.GET, "/readyz")?.status == 200)
            }
        }
    }

    @Test("bookmarks come at their interval")
    func bookmarks() async throws {
        try await withAPIServer(APIServer(bookmarkInterval: .milliseconds(10))) { server in
            try await withConnection(to: server) { connection in
                try await connection.send(
                    .GET, entries + "?watch=1&resourceVersion=1&allowWatchBookmarks=true")
                _ = try await connection.receiveHead()
                for _ in 0..<3 { #expect(try await connection.line()?["type"] == "BOOKMARK") }
            }
        }
    }

    @Test("a streamed list ends with a bookmark that says so")
    func watchList() async throws {
        try await withAPIServer { server in
            try await server.perform(.create(serviceEntry("a")))
            try await withConnection(to: server) { connection in
                try await connection.send(
                    .GET,
                    entries + "?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"
                        + "&allowWatchBookmarks=true")
                _ = try await connection.receiveHead()
                #expect(try await connection.line()?["type"] == "ADDED")
                let end = try await connection.line()
                #expect(end?["type"] == "BOOKMARK")
                #expect(end?["object"]?["metadata"]?["annotations"]?["k8s.io/initial-events-end"] == "true")
            }
        }
    }

    @Test("expired history ends open watches with 410, and those that start again from there")
    func expired() async throws {
        try await withAPIServer { server in
            try await withConnection(to: server) { connection in
                for isOpen in [true, false] {
                    let path = entries + "?watch=1&resourceVersion=3"
                    try await connection.send(.GET, path)
                    #expect(try await connection.receiveHead()?.status == 200)
                    if isOpen { await server.expireHistory() }
                    let line = try await connection.line()
                    #expect(line?["type"] == "ERROR")
                    #expect(line?["object"]?["code"] == 410)
                    #expect(try await connection.line() == nil)
                }
            }
        }
    }

    @Test("a watcher that doesn't read is cut off, and what it missed is held nowhere")
    func slowWatcher() async throws {
        try await withAPIServer(APIServer(historyLimit: 8)) { server in
            try await server.perform(.create(serviceEntry("a")))
            try await withConnection(to: server) { connection in
                try await connection.send(.GET, entries + "?watch=1")
                _ = try await connection.receiveHead()
                let note = String(repeating: "x", count: 200_000)
                let writes = 200
                for number in 0..<writes {
                    let patch: JSONValue = ["metadata": ["annotations": ["note": .string("\(number)" + note)]]]
                    try await server.perform(.patch("a", patch))
                }
                var types: [String] = []
                while let line = try await connection.line() { types.append(line["type"]?.string ?? "") }
                #expect(types.first == "ADDED")
                #expect(types.last == "ERROR")
                #expect(types.count < writes)
            }
        }
    }

    @Test("closed watches end in an orderly way")
    func closeWatches() async throws {
        try await withAPIServer { server in
            try await withConnection(to: server) { connection in
                try await connection.send(.GET, entries + "?watch=1")
                _ = try await connection.receiveHead()
                await server.closeWatches()
                #expect(try await connection.line() == nil)
                #expect(try await connection.request(.GET, entries)?.status == 200)
            }
        }
    }

    @Test("metadata alone and tables come when asked for, in lists and in watches")
    func representations() async throws {
        try await withAPIServer { server in
            try await server.perform(.create(serviceEntry("a")))
            try await withConnection(to: server) { connection in
                let metadata = try await connection.request(
                    .GET, entries,
                    headers: [("Accept", "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1")])
                #expect(metadata?.json?["kind"] == "PartialObjectMetadataList")
                #expect(metadata?.json?["items"]?.array?.first?["metadata"]?["name"] == "a")
                #expect(metadata?.json?["items"]?.array?.first?["spec"] == nil)

                let accept = [
                    ("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1")
                ]
                let table = try await connection.request(.GET, entries, headers: accept)
                let columns = table?.json?["columnDefinitions"]?.array?.compactMap { $0["name"]?.string }
                #expect(columns == ["Name", "Hosts", "Location", "Resolution", "Age"])
                let cells = table?.json?["rows"]?.array?.first?["cells"]?.array
                #expect(cells?.prefix(4) == ["a", "[\"demo.example\"]", "MESH_INTERNAL", "STATIC"])

                try await connection.send(.GET, entries + "?watch=1", headers: accept)
                _ = try await connection.receiveHead()
                let event = try await connection.line()
                #expect(event?["object"]?["kind"] == "Table")
                #expect(event?["object"]?["rows"]?.array?.count == 1)
            }
        }
    }

    @Test(
        "what it can't do is refused clearly",
        arguments: [
            ("PATCH", "/a", "application/json-patch+json", 415), ("PATCH", "/a", "application/apply-patch+yaml", 415),
            ("POST", "", "application/yaml", 415), ("PUT", "", "application/json", 405),
            ("DELETE", "", "application/json", 405), ("POST", "/a/scale", "application/json", 404),
            ("POST", "", "application/json", 400),
        ])
    func refusals(method: String, path: String, type: String, status: Int) async throws {
        try await withAPIServer { server in
            try await withConnection(to: server) { connection in
                let answer = try await connection.request(
                    HTTPMethod(rawValue: method), entries + path, headers: [("Content-Type", type)], body: [])
                #expect(answer?.status == status)
                #expect(answer?.json?["kind"] == "Status")
                #expect(answer?.json?["code"] == .integer(Int64(status)))
            }
        }
    }

    @Test("a body above 3 MiB is refused with 413")
    func largeBody() async throws {
        try await withAPIServer { server in
            try await withConnection(to: server) { connection in
                let text = JSONValue.string(String(repeating: "x", count: 3 * 1024 * 1024))
                let answer = try await connection.request(.POST, entries, body: text)
                #expect(answer?.status == 413)
            }
        }
    }

    @Test("a large answer is complete, even on a connection that closes after it")
    func largeAnswer() async throws {
        try await withAPIServer { server in
            let note = String(repeating: "x", count: 250_000)
            for number in 0..<40 {
                var object = serviceEntry("s\(number)").object ?? JSONObject()
                object["metadata"] = ["name": .string("s\(number)"), "annotations": ["note": .string(note)]]
                try await server.perform(.create(.object(object)))
            }
            try await withConnection(to: server) { connection in
                let list = try await connection.request(.GET, entries, headers: [("Connection", "close")])
                #expect(list?.json?["items"]?.array?.count == 40)
                #expect(try await connection.receiveHead() == nil)
            }
        }
    }

    @Test("discovery is served in the legacy and in the aggregated form, and without a kind that isn't there")
    func discovery() async throws {
        try await withAPIServer(APIServer(kinds: [.namespace, .serviceEntry])) { server in
            try await withConnection(to: server) { connection in
                let group = try await connection.request(.GET, "/apis/networking.istio.io")
                #expect(group?.json?["preferredVersion"]?["version"] == "v1")
                let resources = try await connection.request(.GET, "/apis/networking.istio.io/v1alpha3")
                #expect(
                    resources?.json?["resources"]?.array?.compactMap { $0["name"]?.string }
                        == ["serviceentries", "serviceentries/status"])
                let type = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
                let all = try await connection.request(.GET, "/apis", headers: [("Accept", type)])
                #expect(all?.headers.first(name: "content-type") == type)
                #expect(all?.json?["items"]?.array?.count == 1)
                #expect(try await connection.request(.GET, "/apis/coordination.k8s.io")?.status == 404)
            }
        }
    }
}

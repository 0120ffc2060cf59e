import Deliveries
import Foundation
import IsthmusTesting
import IstioAPI
import NIOSSL
import Testing
import XDSDelivery

@Suite("istiod as the client of a bridge", .timeLimit(.minutes(1)))
struct XDSDeliveryTests {
    private static let entries = "networking.istio.io/v1/ServiceEntry"

    @Test("istiod gets all services, then each change, and is ready")
    func lifecycle() async throws {
        try await Scene.run { scene in
            scene.wishes.want(Scene.entry("a"), Scene.entry("b", 1...2))
            try await scene.withDelivery { _ in
                try await scene.withIstiod { istiod in
                    try await eventually("istiod has both") { istiod.objects.count == 2 && istiod.isReady }
                    #expect(istiod.endpoints("dubbo/b") == ["10.0.0.1:20880", "10.0.0.2:20880"])
                    scene.wishes.want(Scene.entry("a", 3...3))
                    try await eventually("the endpoint moved") { istiod.endpoints("dubbo/a") == ["10.0.0.3:20880"] }
                    scene.wishes.want(Scene.entry("c"))
                    scene.wishes.drop("b")
                    try await eventually("b went and c came") {
                        istiod.objects.keys.sorted() == ["dubbo/a", "dubbo/c"]
                    }
                    #expect(istiod.connections == 1)
                }
            }
        }
    }

    @Test("before the registries are read only the other types are answered")
    func silence() async throws {
        try await Scene.run { scene in
            scene.wishes.isSettled = false
            try await scene.withDelivery { delivery in
                try await scene.withIstiod { istiod in
                    try await eventually("the others are answered") { istiod.unansweredTypes.count == 3 }
                    #expect(
                        istiod.unansweredTypes == [
                            "networking.istio.io/v1/DestinationRule", Self.entries,
                            "networking.istio.io/v1/WorkloadEntry",
                        ])
                    #expect(delivery.report(limit: 0).condition?.reason.contains("not every registry") == true)
                    scene.wishes.want(Scene.entry("a"))
                    #expect(!istiod.isReady)
                    scene.wishes.isSettled = true
                    try await eventually("istiod has it") { istiod.objects.count == 1 && istiod.isReady }
                    #expect(delivery.report(limit: 0).condition == nil)
                }
            }
        }
    }

    @Test("a bridge that stops before the registries are read says nothing, and keeps nothing")
    func earlyStop() async throws {
        try await Scene.run { scene in
            scene.wishes.isSettled = false
            try await scene.withIstiod { istiod in
                try await scene.withDelivery { _ in
                    try await eventually("the others are answered") { istiod.unansweredTypes.count == 3 }
                }
                #expect(!istiod.received.contains { $0.type == Self.entries })
            }
            #expect(!FileManager.default.fileExists(atPath: scene.settings.state))
        }
    }

    @Test("a set that did not change is not sent again, whatever is announced")
    func unchanged() async throws {
        try await Scene.run { scene in
            scene.wishes.want(Scene.entry("a"))
            try await scene.withDelivery { _ in
                try await scene.withIstiod { istiod in
                    try await eventually("istiod has it") { istiod.objects.count == 1 }
                    for _ in 0..<5 { scene.wishes.want(Scene.entry("a")) }
                    scene.wishes.want(Scene.entry("b"))
                    try await eventually("istiod has both") { istiod.objects.count == 2 }
                    #expect(istiod.received.filter { $0.type == Self.entries }.count == 2)
                    #expect(istiod.received.filter { $0.type.hasSuffix("WorkloadEntry") }.count == 1)
                }
            }
        }
    }

    @Test("after a restart while a registry is down, istiod gets what it had, with the same versions")
    func restart() async throws {
        try await Scene.run { scene in
            scene.wishes.want(Scene.entry("a"), Scene.entry("b"))
            var versions: [String: String] = [:]
            try await scene.withDelivery { _ in
                try await scene.withIstiod { istiod in
                    try await eventually("istiod has both") { istiod.objects.count == 2 }
                    versions = istiod.versions
                }
            }
            // The registry of b is down; of a something new is known.
            scene.wishes.forget("b")
            scene.wishes.want(Scene.entry("a", 5...5))
            try await scene.withDelivery { _ in
                #expect(await scene.wishes.seeds().map(\.key.name).sorted() == ["a", "b"])
                try await scene.withIstiod { istiod in
                    try await eventually("istiod has both") { istiod.objects.count == 2 }
                    #expect(istiod.versions["dubbo/b"] == versions["dubbo/b"])
                    #expect(istiod.endpoints("dubbo/a") == ["10.0.0.5:20880"])
                }
            }
        }
    }

    @Test("a state that is damaged is set aside, and counts as none")
    func damagedState() async throws {
        try await Scene.run { scene in
            try Data("nonsense".utf8).write(to: URL(filePath: scene.settings.state))
            scene.wishes.isSettled = false
            try await scene.withDelivery { _ in
                #expect(await scene.wishes.seeds().isEmpty)
                scene.wishes.want(Scene.entry("a"))
                scene.wishes.isSettled = true
                try await scene.withIstiod { istiod in
                    try await eventually("istiod has it") { istiod.objects.count == 1 }
                }
            }
            #expect(FileManager.default.fileExists(atPath: scene.settings.state + ".corrupt"))
            #expect(FileManager.default.fileExists(atPath: scene.settings.state))
        }
    }

    @Test("a client that does not answer gets nothing more, and then the newest set; others are served meanwhile")
    func slowClient() async throws {
        try await Scene.run { scene in
            scene.wishes.want(Scene.entry("a"))
            try await scene.withDelivery { delivery in
                try await scene.withIstiod("slow", .silent) { slow in
                    try await scene.withIstiod("quick") { quick in
                        try await eventually("both have the first set") {
                            quick.objects.count == 1 && slow.objects.count == 1
                        }
                        for last in 2...6 {
                            scene.wishes.want(Scene.entry("a", 1...last))
                            try await eventually("the quick one has it") { quick.endpoints("dubbo/a")?.count == last }
                        }
                        #expect(slow.received.filter { $0.type == Self.entries }.count == 1)
                        #expect(
                            delivery.report(limit: 0).clients.contains {
                                $0.contains("istiod-slow") && $0.contains("has not acknowledged")
                            })
                        slow.set(.acknowledging)
                        try await eventually("the slow one has the newest") { slow.endpoints("dubbo/a")?.count == 6 }
                        #expect(slow.received.filter { $0.type == Self.entries }.count == 2)
                    }
                }
            }
        }
    }

    @Test("a refused set is told in the status, and a changed one is tried")
    func refusal() async throws {
        try await Scene.run { scene in
            scene.wishes.want(Scene.entry("a"))
            try await scene.withDelivery { delivery in
                try await scene.withIstiod("default", .refusing("no good")) { istiod in
                    try await eventually("the status tells") {
                        delivery.report(limit: 0).clients.contains { $0.contains("no good") }
                    }
                    #expect(istiod.received.filter { $0.type == Self.entries }.count == 1)
                    istiod.set(.acknowledging)
                    scene.wishes.want(Scene.entry("b"))
                    try await eventually("istiod has both") { istiod.objects.count == 2 }
                    try await eventually("the status is good") {
                        delivery.report(limit: 0).clients.contains { $0.contains("has all 2 services") }
                    }
                }
            }
        }
    }

    @Test("an istiod of another revision keeps what it has: it gets no answer of ours")
    func revisions() async throws {
        try await Scene.run {
            $0.revisions = ["canary"]
        } _: { scene in
            scene.wishes.want(Scene.entry("a"))
            try await scene.withDelivery { delivery in
                try await scene.withIstiod("canary") { canary in
                    try await scene.withIstiod("default") { istiod in
                        try await eventually("the canary has it") { canary.objects.count == 1 }
                        try await eventually("the other types are answered") { istiod.unansweredTypes.count == 3 }
                        #expect(istiod.objects.isEmpty)
                        #expect(delivery.report(limit: 0).clients.contains { $0.contains("gets nothing") })
                    }
                }
            }
        }
    }

    @Test("endpoints are part of their service, however many")
    func largeService() async throws {
        try await Scene.run { scene in
            var entry = Scene.entry("a", 1...6000)
            entry.workloadSelector = ServiceEntry.selector(forEntry: "a")
            scene.wishes.want(entry)
            try await scene.withDelivery { _ in
                try await scene.withIstiod { istiod in
                    let set = try await eventually("the set came") {
                        istiod.received.last { $0.type == Self.entries }
                    } until: {
                        $0 != nil
                    }
                    #expect(set?.names == ["dubbo/a"])
                    #expect(set?.bytes ?? 0 > 6000 * 30)
                }
            }
        }
    }

    @Test("10,000 services of 10 endpoints pass in one response, and one change after that")
    func manyServices() async throws {
        try await Scene.run { scene in
            scene.wishes.want((0..<10_000).map { Scene.entry("s\($0)", 1...10) })
            try await scene.withDelivery { _ in
                try await scene.withIstiod { istiod in
                    try await eventually("istiod has all") { istiod.objects.count == 10_000 }
                    #expect(istiod.received.filter { $0.type == Self.entries }.count == 1)
                    scene.wishes.want(Scene.entry("s77", 1...1))
                    try await eventually("the change is there") { istiod.endpoints("dubbo/s77")?.count == 1 }
                }
            }
        }
    }

    @Test("over TLS istiod is served by the certificate that the files have now")
    func certificates() async throws {
        let certificates = try await TestCertificates.make()
        try await Scene.run { settings in
            settings.certificate = CertificateFiles(
                certificateFile: certificates.serverCertificate, keyFile: certificates.serverKey)
        } _: { scene in
            scene.wishes.want(Scene.entry("a"))
            try await scene.withDelivery { _ in
                var configuration = TLSConfiguration.makeClientConfiguration()
                configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(certificates.authority))
                configuration.applicationProtocols = ["h2"]
                let trust = try NIOSSLContext(configuration: configuration)
                try await scene.withIstiod(tls: trust) { istiod in
                    try await eventually("istiod has it") { istiod.objects.count == 1 }
                }
            }
        }
        let missing = CertificateFiles(certificateFile: "/nowhere", keyFile: "/nowhere")
        try await Scene.run {
            $0.certificate = missing
        } _: { scene in
            await #expect(throws: (any Error).self) { try await scene.withDelivery { _ in } }
        }
    }
}

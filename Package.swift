// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]

/// A room of the house, by its folder below `Sources`; `docs/architecture.md` says what it may import.
func room(_ folder: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name(folder), dependencies: dependencies, path: "Sources/\(folder)", swiftSettings: settings)
}

/// Tests, by their folder below `Tests`.
func tests(_ folder: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name(folder), dependencies: dependencies, path: "Tests/\(folder)", swiftSettings: settings)
}

/// A target is called like the last part of its folder.
func name(_ folder: String) -> String {
    folder.split(separator: "/").last.map(String.init) ?? folder
}

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let asyncAlgorithms = Target.Dependency.product(name: "AsyncAlgorithms", package: "swift-async-algorithms")
let asyncHTTPClient = Target.Dependency.product(name: "AsyncHTTPClient", package: "async-http-client")
let dequeModule = Target.Dependency.product(name: "DequeModule", package: "swift-collections")
let heapModule = Target.Dependency.product(name: "HeapModule", package: "swift-collections")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
let hummingbirdCore = Target.Dependency.product(name: "HummingbirdCore", package: "hummingbird")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioEmbedded = Target.Dependency.product(name: "NIOEmbedded", package: "swift-nio")
let nioHPACK = Target.Dependency.product(name: "NIOHPACK", package: "swift-nio-http2")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioHTTPCompression = Target.Dependency.product(name: "NIOHTTPCompression", package: "swift-nio-extras")
let nioHTTP2 = Target.Dependency.product(name: "NIOHTTP2", package: "swift-nio-http2")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let serviceLifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let subprocess = Target.Dependency.product(name: "Subprocess", package: "swift-subprocess")
let systemPackage = Target.Dependency.product(name: "SystemPackage", package: "swift-system")
let unixSignals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")

let package = Package(
    name: "isthmus",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "isthmus", targets: ["isthmus"]),
        .library(name: "ZooKeeper", targets: ["ZooKeeper"]),
        .library(name: "Kubernetes", targets: ["Kubernetes"]),
    ],
    dependencies: [
        // The command line: flags, help, completion.
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        // The wire of both clients, and of the doubles in Sandbox.
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        // TLS to the API server, with certificates from a kubeconfig.
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
        // HTTP/2 below our gRPC: docs/architecture.md compares it with grpc-swift-2. AsyncHTTPClient builds it anyway.
        .package(url: "https://github.com/apple/swift-nio-http2", from: "1.42.0"),
        // HTTP/1.1 with pools and streaming bodies, for the API server.
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        // The limit of compressed answers, in AsyncHTTPClient's configuration, which builds it anyway.
        .package(url: "https://github.com/apple/swift-nio-extras.git", from: "1.26.0"),
        // Runs the credential plug-ins of a kubeconfig; its default trait would only add Foundation's types.
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2", traits: []),
        // `AsyncChannel`: a follower listens to its registry, to requests and to its own reads, each of which waits for it.
        // ServiceLifecycle builds it anyway.
        .package(url: "https://github.com/apple/swift-async-algorithms", from: "1.1.0"),
        // The heap of a retry schedule and the queues of a work queue; NIO brings the package anyway.
        .package(url: "https://github.com/apple/swift-collections", from: "1.3.0"),
        // Errors of the system by name and in its words, and files; NIO and Subprocess build it anyway.
        .package(url: "https://github.com/apple/swift-system", from: "1.8.0"),
        // Structured logs, to whatever the user's process logs to.
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        // SIGTERM, graceful stop, one root for everything that runs.
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        // The admin endpoint's HTTP server: the core alone, without the router, metrics, tracing and files of the whole;
        // AsyncHTTPClient brings nearly all that it needs. Its default traits would add Foundation and a configuration library.
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0", traits: []),
        // The names of methods, headers and statuses in that server's requests and answers.
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0", traits: []),
        // Kubeconfig and configuration, as nodes that know their line and column.
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
    ],
    targets: [
        // Values and pure functions.
        room("Values/Addressing"),
        room("Values/Concurrency"),
        room("Values/JSON"),
        room("Values/Notices"),
        room("Values/Protobuf"),
        room("Values/IstioAPI", ["Addressing", "JSON"]),
        room("Values/Services", ["Addressing", "IstioAPI"]),
        room("Values/Settings", [systemPackage, yams]),
        room("Values/Text"),
        room("Values/YAML", ["JSON", yams]),
        // Wire clients, which know nothing of meshes.
        room("Clients/ZooKeeper", ["Concurrency", "Text", nioCore, nioPosix, nioSSL, logging, systemPackage]),
        room(
            "Clients/Kubernetes",
            [
                "Addressing", "Concurrency", "JSON", "Text", asyncHTTPClient, nioCore, nioPosix, nioHTTP1, nioSSL,
                logging, subprocess, systemPackage, yams,
            ]),
        room("Clients/GRPC", ["Text", nioCore, nioPosix, nioHPACK, nioHTTP1, nioHTTP2, nioSSL]),
        room(
            "Clients/HTTP",
            [
                "Addressing", "JSON", "Text", asyncHTTPClient, nioCore, nioPosix, nioHTTP1, nioHTTPCompression, nioSSL,
                systemPackage,
            ]),
        room("Clients/Eureka", ["Addressing", "HTTP", "JSON", nioCore, nioHTTP1, nioPosix]),
        room("Clients/Consul", ["Addressing", "HTTP", "JSON", "Text", nioCore, nioHTTP1, nioPosix]),
        room(
            "Clients/Nacos",
            [
                "Addressing", "Concurrency", "GRPC", "JSON", "Text", asyncHTTPClient, dequeModule, nioCore, nioPosix,
                nioHTTP1, nioSSL, logging, systemPackage,
            ]),
        room(
            "Clients/Etcd",
            ["Addressing", "Concurrency", "GRPC", nioCore, nioPosix, nioSSL, logging, systemPackage]),
        // The middle of the street.
        room(
            "Street/Sources",
            ["Concurrency", "Notices", "Services", "Settings", "Text", asyncAlgorithms, logging]),
        room("Street/Catalog", ["Services", "Sources", dequeModule]),
        room("Street/Translation", ["Addressing", "Catalog", "IstioAPI", "JSON", "Services"]),
        room("Street/Planning", ["IstioAPI", "JSON"]),
        room(
            "Street/Publishing",
            [
                "Catalog", "Concurrency", "Deliveries", "IstioAPI", "JSON", "Planning", "Sources", "Translation",
                "YAML",
                logging,
            ]),
        room(
            "Street/Pipeline",
            [
                "Addressing", "Catalog", "Concurrency", "Deliveries", "IstioAPI", "JSON", "Planning", "Services",
                "Snapshot", "Sources", "Text", "Translation", logging,
            ]),
        // The ways in.
        room("Registries/Dubbo", ["Addressing", "IstioAPI", "Services", "Sources", "Text"]),
        room(
            "Registries/ZooKeeperRegistry",
            ["ZooKeeper", "Declarations", "Dubbo", "Settings", "Services", "Sources", "Text", nioCore, logging]),
        room("Registries/Conventions", ["IstioAPI", "Services", "Settings", "Sources"]),
        room(
            "Registries/EurekaRegistry",
            [
                "Addressing", "Concurrency", "Conventions", "Eureka", "HTTP", "Services", "Settings", "Sources", "Text",
                logging,
            ]),
        room(
            "Registries/ConsulRegistry",
            [
                "Addressing", "Concurrency", "Consul", "Conventions", "Dubbo", "HTTP", "Services", "Settings",
                "Sources", "Text", logging,
            ]),
        room(
            "Registries/Declarations",
            ["Addressing", "Concurrency", "IstioAPI", "JSON", "Services", "Settings", "Sources", "Text"]),
        room(
            "Registries/EtcdRegistry",
            ["Addressing", "Declarations", "Etcd", "Services", "Settings", "Sources", "Text", logging]),
        room(
            "Registries/NacosRegistry",
            [
                "Concurrency", "Conventions", "Dubbo", "Nacos", "Services", "Settings", "Sources", "Text", logging,
            ]),
        // The ways out.
        room(
            "Deliveries/Deliveries",
            ["Concurrency", "Notices", "Settings", "IstioAPI", "Planning", "Text", dequeModule, heapModule, logging]),
        room(
            "Deliveries/KubernetesDelivery",
            [
                "Concurrency", "Notices", "Settings", "Deliveries", "Planning", "IstioAPI", "Kubernetes", "JSON",
                "Text",
                logging,
            ]),
        room(
            "Deliveries/DirectoryDelivery",
            [
                "Concurrency", "Settings", "Deliveries", "Planning", "IstioAPI", "JSON", "Text", "YAML", nioPosix,
                logging, systemPackage,
            ]),
        room("Deliveries/IstioProtobuf", ["IstioAPI", "JSON", "Protobuf"]),
        room(
            "Deliveries/XDSDelivery",
            [
                "Addressing", "Concurrency", "Deliveries", "GRPC", "IstioAPI", "IstioProtobuf", "JSON", "Planning",
                "Protobuf", "Settings", "Text", logging, nioCore, nioPosix, nioSSL,
            ]),
        // The program: what is known of it, what it remembers, and how it is put together.
        room("Program/Logs", ["JSON", "Text", logging, systemPackage]),
        room("Program/Status", ["Text"]),
        room(
            "Program/Console",
            [
                "Addressing", "Status", "Text", hummingbirdCore, httpTypes, nioCore, nioPosix, logging,
                serviceLifecycle, systemPackage,
            ]),
        room(
            "Program/Snapshot",
            ["Addressing", "Catalog", "Concurrency", "JSON", "Services", "Text", nioPosix, logging, systemPackage]),
        room(
            "Program/Bridge",
            [
                "Addressing", "Catalog", "Concurrency", "Settings", "Deliveries", "DirectoryDelivery", "IstioAPI",
                "ConsulRegistry", "EtcdRegistry", "EurekaRegistry", "JSON", "KubernetesDelivery", "NacosRegistry",
                "Pipeline", "Planning", "Publishing", "Services", "Snapshot", "Sources", "Status", "Text",
                "Translation",
                "XDSDelivery", "ZooKeeperRegistry", logging, nioPosix, serviceLifecycle,
            ]),
        .executableTarget(
            name: "isthmus",
            dependencies: [
                "Bridge", "Settings", "Console", "Deliveries", "IstioAPI", "JSON", "Kubernetes",
                "KubernetesDelivery", "Logs", "Planning", "Sandbox", "Status", "Text", "Translation", "ZooKeeper",
                "Services", "Sources", "ZooKeeperRegistry", "Addressing", "XDSDelivery", argumentParser,
                asyncHTTPClient, logging, nioCore, nioHTTP1, nioPosix, nioSSL,
                serviceLifecycle, systemPackage, unixSignals,
            ],
            path: "Sources/Program/isthmus",
            swiftSettings: settings),
        // Doubles in memory, and real servers for tests.
        room("Testing/Sandbox", ["JSON", "Text", "ZooKeeper", nioCore, nioPosix, nioHTTP1, logging]),
        // NIO is for what stands between the real servers: a proxy that fails on demand, and a webhook that they ask.
        // gRPC is for a client that behaves like istiod's.
        room(
            "Testing/IsthmusTesting",
            ["GRPC", "IstioAPI", "IstioProtobuf", "JSON", logging, nioCore, nioPosix, nioHTTP1, nioSSL]),
        // What a real istiod makes of objects, as pure functions: tests ask it in place of one.
        room("Testing/IstiodOracle", ["Addressing", "IstioAPI", "JSON"]),
        // The entry points of a fuzzer: `scripts/fuzz` uses them for long, the unit tests for some seconds.
        room(
            "Testing/FuzzTargets",
            [
                "Consul", "Dubbo", "Eureka", "GRPC", "JSON", "Kubernetes", "Nacos", "Services", "Snapshot", "ZooKeeper",
                nioCore,
            ]),
        // Tests: pure parts in milliseconds; servers in a target of their own.
        tests("Values/AddressingTests", ["Addressing", "IsthmusTesting"]),
        tests("Values/ConcurrencyTests", ["Concurrency", "IsthmusTesting"]),
        tests("Values/JSONTests", ["JSON"]),
        tests("Values/NoticesTests", ["Notices"]),
        tests("Values/IstioAPITests", ["IstioAPI", "JSON", "IsthmusTesting"]),
        tests("Values/ServicesTests", ["Services", "IstioAPI", "IsthmusTesting"]),
        tests("Values/TextTests", ["Text"]),
        tests("Clients/ZooKeeperTests", ["ZooKeeper", nioCore, nioPosix, nioSSL, nioEmbedded, logging]),
        tests(
            "Clients/KubernetesTests",
            [
                "Kubernetes", "KubernetesExamples", "Concurrency", "JSON", "IsthmusTesting", nioCore, nioPosix,
                nioHTTP1, nioSSL, logging, subprocess,
            ]),
        tests("Clients/HTTPTests", ["HTTP"]),
        tests("Clients/EurekaTests", ["Eureka", "HTTP", "IsthmusTesting", "JSON", nioCore, nioHTTP1]),
        tests("Clients/ConsulTests", ["Consul", "HTTP", "IsthmusTesting", "JSON", nioCore, nioHTTP1]),
        tests("Clients/EtcdTests", ["Etcd", "GRPC"]),
        tests("Clients/GRPCTests", ["GRPC", "Concurrency", nioCore, nioPosix, nioHPACK, nioHTTP2]),
        tests(
            "Clients/NacosTests",
            ["Nacos", "Addressing", "Concurrency", "JSON", "IsthmusTesting", "Text", nioCore, nioPosix]),
        // The documentation's examples: without access to `package`, like a program outside.
        .target(
            name: "KubernetesExamples", dependencies: ["Kubernetes", logging],
            path: "Tests/Clients/KubernetesExamples", packageAccess: false, swiftSettings: settings),
        tests("Street/SourcesTests", ["Sources", "Addressing", "IsthmusTesting", "IstioAPI", "Services", logging]),
        tests(
            "Street/CatalogTests",
            ["Catalog", "Addressing", "IsthmusTesting", "IstioAPI", "Services", "Sources"]),
        tests(
            "Street/TranslationTests",
            [
                "Translation", "Catalog", "IstioAPI", "IstiodOracle", "JSON", "Addressing", "IsthmusTesting",
                "Services",
            ]),
        tests("Street/PlanningTests", ["Planning", "IstioAPI", "JSON", "IsthmusTesting"]),
        tests(
            "Street/PublishingTests",
            [
                "Publishing", "Catalog", "Deliveries", "IsthmusTesting", "IstioAPI", "JSON", "Planning", "Sources",
                "Translation", logging,
            ]),
        tests(
            "Street/PipelineTests",
            [
                "Pipeline", "Addressing", "Catalog", "Deliveries", "Dubbo", "IstioAPI", "IstiodOracle",
                "IsthmusTesting", "JSON",
                "Planning",
                "Services", "Snapshot", "Sources", "Translation",
            ]),
        tests("Registries/ConventionsTests", ["Conventions", "Addressing", "IstioAPI", "Services", "Sources"]),
        tests(
            "Registries/EurekaRegistryTests",
            [
                "EurekaRegistry", "Eureka", "Conventions", "Addressing", "HTTP", "IsthmusTesting", "IstioAPI", "JSON",
                "Services", "Settings", "Sources", logging,
            ]),
        tests(
            "Registries/ConsulRegistryTests",
            [
                "ConsulRegistry", "Consul", "Conventions", "Dubbo", "Addressing", "HTTP", "IsthmusTesting", "IstioAPI",
                "JSON", "Services", "Settings", "Sources", logging,
            ]),
        tests(
            "Registries/DeclarationsTests",
            ["Declarations", "Addressing", "IsthmusTesting", "IstioAPI", "JSON", "Services", "Settings", "Sources"]),
        tests("Registries/DubboTests", ["Dubbo", "Addressing", "IsthmusTesting", "IstioAPI", "Services"]),
        tests(
            "Registries/EtcdRegistryTests",
            [
                "EtcdRegistry", "Addressing", "Declarations", "Etcd", "IsthmusTesting", "Services", "Settings",
                "Sources", logging,
            ]),
        tests(
            "Registries/NacosRegistryTests",
            [
                "NacosRegistry", "Nacos", "Conventions", "Dubbo", "Addressing", "IsthmusTesting", "IstioAPI", "JSON",
                "Services", "Settings", "Sources", logging,
            ]),
        tests(
            "Registries/ZooKeeperRegistryTests",
            [
                "ZooKeeperRegistry", "ZooKeeper", "Dubbo", "Catalog", "Sandbox", "IsthmusTesting", "Services",
                "Settings", "Sources", nioCore, logging,
            ]),
        tests("Deliveries/DeliveriesTests", ["Deliveries", "Planning", "IstioAPI", "JSON", "IsthmusTesting", logging]),
        tests(
            "Deliveries/KubernetesDeliveryTests",
            [
                "KubernetesDelivery", "Deliveries", "Planning", "IstioAPI", "IstiodOracle", "Kubernetes", "JSON",
                "Sandbox", "IsthmusTesting", logging,
            ]),
        tests(
            "Deliveries/DirectoryDeliveryTests",
            ["DirectoryDelivery", "Deliveries", "Planning", "IstioAPI", "JSON", "IsthmusTesting", "YAML", logging]),
        tests(
            "Deliveries/IstioProtobufTests", ["IstioProtobuf", "IstioAPI", "IsthmusTesting", "JSON", "Protobuf"]),
        tests(
            "Deliveries/XDSDeliveryTests",
            [
                "XDSDelivery", "Concurrency", "Deliveries", "GRPC", "IstioAPI", "IstioProtobuf", "IsthmusTesting",
                "JSON", "Planning", "Settings", "Addressing", logging, nioCore, nioSSL,
            ]),
        tests("Program/LogsTests", ["Logs", "JSON", logging]),
        tests("Program/StatusTests", ["Status", "JSON"]),
        tests("Program/ConsoleTests", ["Console", "Status", "JSON", "IsthmusTesting", httpTypes, logging]),
        tests(
            "Program/SnapshotTests",
            ["Snapshot", "Addressing", "IsthmusTesting", "IstioAPI", "Services", "Sources", logging]),
        tests(
            "Program/BridgeTests",
            [
                "Bridge", "Pipeline", "Publishing", "Addressing", "Catalog", "Concurrency", "Settings", "Translation",
                "Planning",
                "Deliveries",
                "DirectoryDelivery", "IstioAPI", "IstiodOracle", "JSON", "Dubbo", "Kubernetes", "KubernetesDelivery",
                "Sandbox", "Services", "Sources", "ZooKeeper", "ZooKeeperRegistry", "IsthmusTesting", "Snapshot",
                "Status",
                logging,
            ]),
        tests(
            "Program/IntegrationTests",
            [
                "isthmus", "IsthmusTesting", "IstioAPI", "IstiodOracle", "Nacos", "ZooKeeper", "Kubernetes", "JSON",
                nioCore, logging,
            ]),
        tests(
            "Testing/SandboxTests",
            ["Sandbox", "ZooKeeper", "Kubernetes", "JSON", "IsthmusTesting", nioCore, nioPosix, nioHTTP1, logging]),
        tests("Testing/IsthmusTestingTests", ["IsthmusTesting", nioCore, nioPosix]),
        tests("Testing/IstiodOracleTests", ["IstiodOracle", "IstioAPI", "JSON", "IsthmusTesting"]),
        tests("Testing/FuzzTargetsTests", ["FuzzTargets", "IsthmusTesting"]),
    ]
)

// `scripts/benchmark` sets the variable.
if Context.environment["ISTHMUS_BENCHMARKS"] != nil {
    let clients: [Target.Dependency] = ["ZooKeeper", "Kubernetes", "IsthmusTesting", argumentParser, logging]
    func benchmark(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
        .executableTarget(
            name: name, dependencies: ["Measuring"] + clients + dependencies, path: "Benchmarks/\(name)")
    }
    package.targets += [
        .target(name: "Measuring", dependencies: clients, path: "Benchmarks/Measuring"),
        benchmark("Propagation"),
        benchmark("ColdSync"),
        benchmark("RollingRestart"),
        benchmark("NacosRegistration", ["Nacos"]),
        benchmark("Arrival", ["IstioAPI", "JSON"]),
        .executableTarget(
            name: "Scale",
            dependencies: [
                "Addressing", "AllocationCount", "Catalog", "Deliveries", "Dubbo", "IstioAPI", "IsthmusTesting",
                "JSON", "KubernetesDelivery", "Pipeline", "Planning", "Services", "Sources", "Translation",
                argumentParser, logging,
            ],
            path: "Benchmarks/Scale",
            swiftSettings: settings),
        .target(name: "AllocationCount", path: "Benchmarks/AllocationCount"),
    ]
}

// libFuzzer brings the program's `main`, so this target builds with `--sanitize=fuzzer` only: see `scripts/fuzz`.
if Context.environment["ISTHMUS_FUZZ"] != nil {
    package.products.append(.executable(name: "Fuzz", targets: ["Fuzz"]))
    package.targets.append(
        .executableTarget(name: "Fuzz", dependencies: ["FuzzTargets"], path: "Fuzz", swiftSettings: settings))
}

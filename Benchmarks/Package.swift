// swift-tools-version: 6.2
import PackageDescription

let clients: [Target.Dependency] = [
    .product(name: "ZooKeeper", package: "isthmus"),
    .product(name: "Kubernetes", package: "isthmus"),
    .product(name: "IsthmusTesting", package: "isthmus"),
    .product(name: "ArgumentParser", package: "swift-argument-parser"),
]

let package = Package(
    name: "benchmarks",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "isthmus", path: ".."),
        // What is to be measured, and how much of it.
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    ],
    targets: [
        .target(name: "Measuring", dependencies: clients),
        .executableTarget(name: "Propagation", dependencies: ["Measuring"] + clients),
        .executableTarget(name: "ColdSync", dependencies: ["Measuring"] + clients),
        .executableTarget(name: "RollingRestart", dependencies: ["Measuring"] + clients),
    ]
)

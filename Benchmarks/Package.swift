// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "benchmarks",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "isthmus", path: "..")
    ],
    targets: [
        .executableTarget(
            name: "Propagation",
            dependencies: [
                .product(name: "ZooKeeper", package: "isthmus"),
                .product(name: "Kubernetes", package: "isthmus"),
                .product(name: "IsthmusTesting", package: "isthmus"),
            ])
    ]
)

internal import IsthmusTesting
internal import Testing

extension Trait where Self == ConditionTrait {
    /// Runs the test when the real servers are installed, and always in CI, where it fails without them.
    static var realServers: Self {
        .enabled(if: ServerTools.areExpected, Comment(rawValue: ServerTools.reasonToSkip))
    }

    /// As `realServers`, for a test that needs an API server as today's clusters have.
    static var modernAPIServer: Self {
        .enabled(
            if: ServerTools.isModernAPIServerExpected, Comment(rawValue: ServerTools.reasonToSkipModernAPIServer))
    }

    /// Runs the test where r-nacos and a client of it are installed, and always in CI, where it fails without them.
    static var realNacos: Self {
        .enabled(
            if: RealNacos.isExpected,
            Comment(rawValue: RealNacos.isInstalled ? NacosProvider.reasonToSkip : RealNacos.reasonToSkip))
    }

    /// Runs the test where stock Dubbo is unpacked.
    static var realDubbo: Self {
        .enabled(if: RealDubbo.isInstalled, Comment(rawValue: RealDubbo.reasonToSkip))
    }

    /// Runs the test where Consul and a client of it are installed, and always in CI, where it fails without them.
    static var realConsul: Self {
        .enabled(
            if: RealConsul.isExpected && RegistryProvider.isInstalled, Comment(rawValue: RealConsul.reasonToSkip))
    }

    /// Runs the test where Eureka and a client of it are installed, and always in CI, where it fails without them.
    static var realEureka: Self {
        .enabled(
            if: RealEureka.isExpected && RegistryProvider.isInstalled, Comment(rawValue: RealEureka.reasonToSkip))
    }

    /// Runs the test where the Spring application is unpacked.
    static var realSpring: Self {
        .enabled(if: SpringApplication.isInstalled, Comment(rawValue: SpringApplication.reasonToSkip))
    }
}

internal import IsthmusTesting
internal import Testing

extension Trait where Self == ConditionTrait {
    /// Runs the test when the real servers are installed, and always in CI, where it fails without them.
    static var realServers: Self {
        .enabled(if: ServerTools.areExpected, Comment(rawValue: ServerTools.reasonToSkip))
    }

    /// Runs the test where stock Dubbo is unpacked.
    static var realDubbo: Self {
        .enabled(if: RealDubbo.isInstalled, Comment(rawValue: RealDubbo.reasonToSkip))
    }
}

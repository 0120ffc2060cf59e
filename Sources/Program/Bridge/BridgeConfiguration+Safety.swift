internal import Catalog
internal import Deliveries
internal import Pipeline
internal import Settings

extension BridgeConfiguration {
    static func removals(_ reader: ConfigurationSection) throws(ConfigurationError) -> GuardPolicy {
        var policy = GuardPolicy()
        guard let section = try reader.mapping("guard") else { return policy }
        if let percent = try section.integer("maxRemovalPercent", in: 0...100) { policy.maxRemovalPercent = percent }
        if let count = try section.integer("minRemovals", in: 0...1_000_000) { policy.minRemovals = count }
        if let settle = try section.duration("settle") { policy.settle = settle }
        if let window = try section.duration("window") { policy.window = window }
        if let time = try section.duration("holdFor") { policy.holdFor = time }
        if let choice = section.word("removedRegistries").flatMap({ GuardPolicy.RemovedRegistries(rawValue: $0) }) {
            policy.removedRegistries = choice
        }
        guard policy.settle <= .seconds(10) else { throw section.failure("settle", "must be at most 10s") }
        guard policy.window >= .seconds(1) else { throw section.failure("window", "must be at least 1s") }
        guard policy.holdFor >= .seconds(1) else { throw section.failure("holdFor", "must be at least 1s") }
        return policy
    }

    static func limits(_ reader: ConfigurationSection) throws(ConfigurationError) -> PipelineLimits {
        var limits = PipelineLimits()
        guard let section = try reader.mapping("limits") else { return limits }
        if let count = try section.integer("instancesPerService", in: 1...1_000_000) {
            limits.catalog.instancesPerService = count
        }
        if let count = try section.integer("services", in: 1...1_000_000) { limits.catalog.services = count }
        if let count = try section.integer("objects", in: 1...10_000_000) { limits.objects = count }
        return limits
    }

    static func leadership(_ reader: ConfigurationSection) throws(ConfigurationError) -> LeadershipTimes? {
        if reader.word("leadership") == "off" { return nil }
        var times = LeadershipTimes()
        guard let section = try reader.mapping("leadership") else { return times }
        if let time = try section.duration("leaseDuration") { times.leaseDuration = time }
        if let time = try section.duration("renewDeadline") { times.renewDeadline = time }
        if let time = try section.duration("retryPeriod") { times.retryPeriod = time }
        guard times.retryPeriod >= .milliseconds(100) else {
            throw section.failure("retryPeriod", "must be at least 100ms")
        }
        guard times.renewDeadline > times.retryPeriod * 1.2 else {
            throw section.failure("renewDeadline", "must be more than 1.2 times the retryPeriod")
        }
        guard times.leaseDuration > times.renewDeadline else {
            throw section.failure("leaseDuration", "must be more than the renewDeadline")
        }
        guard times.leaseDuration >= .seconds(1) else {
            throw section.failure("leaseDuration", "must be at least 1s; a Lease counts in seconds")
        }
        return times
    }
}

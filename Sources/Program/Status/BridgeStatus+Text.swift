internal import Text

extension BridgeStatus {
    /// The status for people: a line for each registry and each delivery, and below it what needs attention.
    ///
    /// - Parameter release: The command that ends the hold of a registry.
    package func text(release: (String) -> String = { "isthmus release \($0)" }) -> String {
        var lines = ["isthmus \(version), instance \(instance): \(readiness), up \(uptime.readable)", ""]
        lines += TextTable.lines(
            ["REGISTRY", "HEALTH", "LAST GOOD", "SERVICES", "IN MESH", "INSTANCES", "IN MESH"],
            registries.map { registry in (registry.cells, registry.details(release)) })
        if !configurations.isEmpty {
            lines.append("")
            lines += TextTable.lines(
                ConfigurationStatus.heading, configurations.map { ($0.cells, $0.details(release)) })
        }
        lines.append("")
        lines += TextTable.lines(
            ["DELIVERY", "ROLE", "SEEDED", "PENDING", "FAILURES"],
            deliveries.map { delivery in (delivery.cells, delivery.details) })
        if !problems.isEmpty {
            lines += ["", "Services that are not in the mesh as they are in the registry:"]
            lines += problems.lines { problem in
                "\(problem.service): \(problem.reason)" + (problem.effect.map { "; \($0)" } ?? "")
            }.map { "    " + $0 }
        }
        if !resolved.isEmpty {
            lines += [
                "", "Services with host names, each change of which is a full push; have them register addresses:",
            ]
            lines += resolved.lines { $0 }.map { "    " + $0 }
        }
        return lines.map { $0.printable + "\n" }.joined()
    }

    private var readiness: String { unreadiness.map { "not ready (\($0))" } ?? "ready" }
}

extension Released {
    /// The release for people.
    package var text: String {
        let services = Excerpt(first: services, count: serviceCount)
        var lines = ["Registry \(registry): let go of \(counted(instances, "instance"))\(services.inParentheses)."]
        if let leaders {
            let others = leaders.isEmpty ? "one that does" : leaders.joined(separator: ", ")
            lines.append("This replica does not lead. They stay in the mesh until \(others) lets go of them too.")
        }
        return lines.map { $0.printable + "\n" }.joined()
    }
}

extension RegistryStatus {
    fileprivate var cells: [String] {
        let good = health == .healthy ? "now" : lastGood.map { "\($0.readable) ago" } ?? "never"
        return [
            name, health.rawValue, good, "\(services)", "\(inMesh.services)", "\(instances)", "\(inMesh.instances)",
        ]
    }

    fileprivate func details(_ release: (String) -> String) -> [String] {
        var lines: [String] = []
        if let reason { lines.append("\(health.rawValue): \(reason)") }
        if let hold {
            let end =
                hold.releasesIn.map { "they go in \($0.readable) unless they come back" }
                ?? "they stay until they come back"
            lines += [
                "held for \(hold.age.readable): \(hold.subject)", "    \(hold.reason)",
                "    \(end); to let them go now: \(release(name))",
            ]
        }
        if let leftOver {
            let services = Excerpt(first: leftOver.services, count: leftOver.serviceCount)
            lines += [
                "left over: \(counted(leftOver.instances, "instance")) that it does not show"
                    + services.inParentheses,
                "    they stay as long as nothing better is known; to let them go now: \(release(name)) --service NAME",
            ]
        }
        if !unreadable.isEmpty {
            lines.append("can't be used: \(counted(unreadable.count, "service"))")
            lines += unreadable.lines { "\($0.name): \($0.reason)" }.map { "    " + $0 }
        }
        return lines + notes.map { "not carried: \($0.text)" }
    }
}

extension RegistryStatus.Note {
    /// Such as `tag rules: 2 (cart.tag-router, shop.tag-router); the mesh does not follow them`.
    package var text: String {
        let names = examples.joined(separator: ", ") + (count > examples.count && !examples.isEmpty ? ", …" : "")
        return ("\(subject): \(count)" + (names.isEmpty ? "" : " (\(names))") + "; \(effect)").printable
    }
}

extension HoldStatus {
    /// Such as `12 of 80 instances (com.acme.Cart, com.acme.Orders and 3 more)`.
    fileprivate var subject: String {
        "\(held) of \(counted(of, "instance"))" + services.inParentheses
    }
}

extension DeliveryStatus {
    fileprivate var cells: [String] {
        let role =
            switch leadership {
            case .notElected: "alone"
            case .leading: "leading"
            case .standby(let holder): holder.map { "standby for \($0)" } ?? "standby"
            }
        return [name, role, isSeeded ? "yes" : "no", "\(pending)", "\(failures.count)"]
    }

    fileprivate var details: [String] {
        var lines: [String] = []
        if let condition { lines.append("condition for \(condition.age.readable): \(condition.reason)") }
        lines += notes.map { "not seen: \($0)" }
        lines += clients
        lines += failureGroups.map(\.line)
        let told = failureGroups.reduce(0) { $0 + $1.count }
        if told < failures.count { lines.append("and \(failures.count - told) more, for other reasons") }
        return lines
    }
}

extension FailureGroupStatus {
    /// Such as `shop/a, shop/b and 198 more refused for 3 min, next attempt in 5 s: the namespace is full`.
    fileprivate var line: String {
        let others = count > resources.count ? " and \(count - resources.count) more" : ""
        let attempt =
            switch retryIn {
            case nil: ""
            case .zero?: ", next attempt now"
            case let delay?: ", next attempt in \(delay.readable)"
            }
        let names = resources.joined(separator: ", ")
        return "\(names)\(others) \(kind.rawValue) for \(age.readable)\(attempt): \(reason)"
    }
}

extension Excerpt {
    func lines(_ line: (Element) -> String) -> [String] {
        first.map(line) + (others > 0 ? ["and \(others) more"] : [])
    }
}

extension Excerpt<String> {
    var inParentheses: String {
        let names = first.joined(separator: ", ") + (others > 0 ? " and \(others) more" : "")
        return isEmpty ? "" : " (\(names))"
    }
}

private func counted(_ count: Int, _ noun: String) -> String {
    "\(count) \(noun)\(count == 1 ? "" : "s")"
}

internal import JSON

/// The rules of Istio's CRDs and of object metadata that a bridge can run into; not all there are.
extension ResourceStore {
    func validate(_ object: JSONObject, as kind: Kind) throws(APIServerStatus) {
        var checks = Checks()
        checks.metadata(object.metadata, isLabelName: kind == .namespace)
        switch kind.name {
        case "ServiceEntry": checks.serviceEntry(object["spec"]?.object)
        case "WorkloadEntry": checks.workloadEntry(object["spec"]?.object)
        default: break
        }
        guard checks.causes.isEmpty else {
            throw .invalid(kind, object.metadata["name"]?.string ?? "", checks.causes)
        }
    }
}

private struct Checks {
    private(set) var causes: [APIServerStatus.Cause] = []

    mutating func metadata(_ metadata: JSONObject, isLabelName: Bool) {
        let name = metadata["name"]?.string ?? ""
        if name.isEmpty {
            require(false, "Required", "metadata.name", "name or generateName is required")
        } else {
            require(
                Self.isDNSName(name, isLabel: isLabelName), "Invalid", "metadata.name",
                "\"\(name)\": a lowercase RFC 1123 \(isLabelName ? "label" : "subdomain") is expected")
        }
        for (key, value) in metadata["labels"]?.strings ?? [:] {
            require(Self.isQualifiedName(key), "Invalid", "metadata.labels", "\"\(key)\": not a label key")
            require(
                value.isEmpty || Self.isLabelText(value), "Invalid", "metadata.labels",
                "\"\(value)\": a valid label must be at most 63 characters of letters, digits, '-', '_' and '.'")
        }
        let annotations = metadata["annotations"]?.strings ?? [:]
        require(
            annotations.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count } <= 256 * 1024, "TooLong",
            "metadata.annotations", "may not be more than 262144 bytes")
    }

    mutating func serviceEntry(_ spec: JSONObject?) {
        guard let spec else { return require(false, "Required", "spec", "Required value") }
        let hosts = spec["hosts"]?.array
        require(hosts != nil, "Required", "spec.hosts", "Required value")
        if let hosts {
            require(!hosts.isEmpty, "Invalid", "spec.hosts", "should have at least 1 items")
            require(hosts.count <= 256, "TooMany", "spec.hosts", "must have at most 256 items")
            require(!hosts.contains("*"), "Invalid", "spec.hosts", "hostname cannot be wildcard")
        }
        choice(spec, "location", ["MESH_EXTERNAL", "MESH_INTERNAL"])
        choice(spec, "resolution", ["NONE", "STATIC", "DNS", "DNS_ROUND_ROBIN", "DYNAMIC_DNS"])
        let endpoints = spec["endpoints"]?.array
        require((endpoints?.count ?? 0) <= 4096, "TooMany", "spec.endpoints", "must have at most 4096 items")
        require(
            endpoints == nil || spec["workloadSelector"] == nil, "Invalid", "spec",
            "only one of WorkloadSelector or Endpoints can be set")
        require(
            endpoints == nil || spec["resolution"]?.string ?? "NONE" != "NONE", "Invalid", "spec",
            "NONE mode cannot set endpoints")
        ports(spec["ports"]?.array ?? [])
    }

    mutating func workloadEntry(_ spec: JSONObject?) {
        guard let spec else { return require(false, "Required", "spec", "Required value") }
        require(spec["address"] != nil || spec["network"] != nil, "Invalid", "spec", "Address is required")
    }

    private mutating func ports(_ ports: [JSONValue]) {
        require(ports.count <= 256, "TooMany", "spec.ports", "must have at most 256 items")
        var numbers: Set<Int64> = []
        var names: Set<String> = []
        for (index, port) in ports.enumerated() {
            let field = "spec.ports[\(index)]"
            if let number = port["number"]?.integer {
                require((1...65535).contains(number), "Invalid", field + ".number", "port must be between 1-65535")
                require(numbers.insert(number).inserted, "Invalid", "spec.ports", "port number cannot be duplicated")
            } else {
                require(false, "Required", field + ".number", "Required value")
            }
            if let name = port["name"]?.string {
                require(names.insert(name).inserted, "Duplicate", field, "Duplicate value: {\"name\":\"\(name)\"}")
            } else {
                require(false, "Required", field + ".name", "Required value")
            }
        }
    }

    private mutating func choice(_ spec: JSONObject, _ field: String, _ choices: [String]) {
        guard let value = spec[field] else { return }
        let isKnown = value.string.map(choices.contains) ?? false
        let supported = choices.map { "\"\($0)\"" }.joined(separator: ", ")
        require(
            isKnown, "NotSupported", "spec.\(field)",
            "Unsupported value: \(value.string.map { "\"\($0)\"" } ?? "?"): supported values: \(supported)")
    }

    private mutating func require(_ isTrue: Bool, _ reason: String, _ field: String, _ message: String) {
        guard !isTrue else { return }
        causes.append(APIServerStatus.Cause(reason: "FieldValue" + reason, message: message, field: field))
    }

    private static func isDNSName(_ name: String, isLabel: Bool) -> Bool {
        guard name.utf8.count <= (isLabel ? 63 : 253) else { return false }
        let labels = isLabel ? [name[...]] : name.split(separator: ".", omittingEmptySubsequences: false)
        return labels.allSatisfy { label in
            guard let first = label.utf8.first, let last = label.utf8.last else { return false }
            return first != UInt8(ascii: "-") && last != UInt8(ascii: "-")
                && label.utf8.allSatisfy { isLower($0) || isDigit($0) || $0 == UInt8(ascii: "-") }
        }
    }

    private static func isQualifiedName(_ key: String) -> Bool {
        let parts = key.split(separator: "/", omittingEmptySubsequences: false)
        switch parts.count {
        case 1: return isLabelText(key)
        case 2: return isDNSName(String(parts[0]), isLabel: false) && isLabelText(String(parts[1]))
        default: return false
        }
    }

    private static func isLabelText(_ text: String) -> Bool {
        guard text.utf8.count <= 63, let first = text.utf8.first, let last = text.utf8.last else { return false }
        let isAlphanumeric = { (byte: UInt8) in isLower(byte | 0x20) || isDigit(byte) }
        return isAlphanumeric(first) && isAlphanumeric(last)
            && text.utf8.allSatisfy { isAlphanumeric($0) || "-_.".utf8.contains($0) }
    }

    private static func isLower(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) }
    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}

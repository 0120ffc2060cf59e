extension ServiceEntry {
    /// How many bytes of JSON the endpoints of one resource may have.
    ///
    /// etcd takes requests of 1.5 MiB unless it is told otherwise; what is left is for the rest of the object and for
    /// what others add to it.
    package static let maximumEndpointBytes = 1 << 20

    /// How many bytes of JSON the endpoints have. Exact as long as nothing has to be escaped, which no valid value has.
    package var endpointBytes: Int {
        // Two brackets, and a comma between each two.
        endpoints.reduce(endpoints.isEmpty ? 2 : 1) { $0 + $1.byteCount + 1 }
    }
}

extension ServiceEntry.Endpoint {
    /// `{"address":…}`, and each further member with its comma.
    var byteCount: Int {
        var count = #"{"address":""}"#.utf8.count + address.utf8.count
        if !ports.isEmpty {
            count += #","ports":{}"#.utf8.count + ports.count - 1
            for (name, port) in ports { count += name.utf8.count + digits(port) + 3 }
        }
        if !labels.isEmpty {
            count += #","labels":{}"#.utf8.count + labels.count - 1
            for (key, value) in labels { count += key.utf8.count + value.utf8.count + 5 }
        }
        if !locality.isEmpty { count += #","locality":"""#.utf8.count + locality.utf8.count }
        if let weight { count += #","weight":"#.utf8.count + digits(weight) }
        return count
    }

    private func digits(_ number: some BinaryInteger) -> Int {
        var (count, rest) = (1, number / 10)
        while rest > 0 { (count, rest) = (count + 1, rest / 10) }
        return count
    }
}

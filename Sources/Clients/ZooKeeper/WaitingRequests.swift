internal import NIOCore

/// The requests that wait for the session or for room on the wire, in the order of their ids.
///
/// A removal from the middle leaves a gap. The gaps are closed when they are more than the requests, so a removal costs
/// O(log n) on average and the memory stays proportional to `count`.
struct WaitingRequests<Completion> {
    struct Request {
        /// Greater than the id of every request before it.
        var id: UInt64
        var operation: Operation
        /// The path as the caller gave it.
        var path: String?
        var deadline: NIODeadline?
        var completion: Completion
    }

    private enum Place {
        case request(Request)
        case gap(id: UInt64)

        var id: UInt64 {
            switch self {
            case .request(let request): request.id
            case .gap(let id): id
            }
        }
    }

    /// The first place is never a gap.
    private var places = CircularBuffer<Place>()
    private var gaps = 0

    var count: Int { places.count - gaps }

    var first: Request? {
        if case .request(let request) = places.first { request } else { nil }
    }

    mutating func append(_ request: Request) {
        places.append(.request(request))
    }

    mutating func popFirst() -> Request? {
        guard case .request(let request) = places.popFirst() else { return nil }
        dropLeadingGaps()
        return request
    }

    mutating func remove(id: UInt64) -> Request? {
        guard let index = index(of: id), case .request(let request) = places[index] else { return nil }
        places[index] = .gap(id: id)
        gaps += 1
        dropLeadingGaps()
        if gaps > max(count, 16) {
            places.removeAll { if case .gap = $0 { true } else { false } }
            gaps = 0
        }
        return request
    }

    private mutating func dropLeadingGaps() {
        while case .gap = places.first {
            places.removeFirst()
            gaps -= 1
        }
    }

    private func index(of id: UInt64) -> CircularBuffer<Place>.Index? {
        var (low, high) = (0, places.count)
        while low < high {
            let middle = (low + high) / 2
            if places[offset: middle].id < id { low = middle + 1 } else { high = middle }
        }
        guard low < places.count, places[offset: low].id == id else { return nil }
        return places.index(places.startIndex, offsetBy: low)
    }
}

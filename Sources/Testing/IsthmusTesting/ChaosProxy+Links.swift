internal import NIOCore

// MARK: - Events of the channels

extension ChaosProxy {
    func connected(_ id: Int, _ result: Result<any Channel, any Error>) {
        guard let link = links[id] else {
            if case .success(let upstream) = result { upstream.close(promise: nil) }
            return
        }
        link.isConnecting = false
        switch result {
        case .success(let upstream):
            link.sides.toClient = upstream
            link.isThrough = true
            traffic.connections += 1
            for direction in Direction.allCases { pump(id, going: direction) }
        case .failure:
            left(id, going: .toClient, .reset)
        }
    }

    func received(_ bytes: ByteBuffer, on id: Int, going direction: Direction) {
        guard let link = links[id] else { return }
        traffic[direction].received += bytes.readableBytes
        link.flows[direction].receive(bytes, now: .now())
        pump(id, going: direction)
    }

    func finished(_ end: ChaosFlow.End, on id: Int, going direction: Direction) {
        links[id]?.flows[direction].finish(end, now: .now())
        pump(id, going: direction)
    }

    /// A side is gone. The other one hears of it when what was sent before has passed.
    func left(_ id: Int, going direction: Direction, _ end: ChaosFlow.End) {
        guard let link = links[id] else { return }
        link.sides[direction] = nil
        link.flows[direction.reversed].abandon()
        finished(end, on: id, going: direction)
        pump(id, going: direction.reversed)
        if link.isOver { forget(id) }
    }
}

// MARK: - What becomes of them

extension ChaosProxy {
    /// Passes on what may pass now, arranges to do the rest later, and reads on when there is room.
    func pump(_ id: Int, going direction: Direction) {
        guard let link = links[id] else { return }
        link.timers[direction]?.cancel()
        link.timers[direction] = nil
        steps: while true {
            let receiver = link.sides[direction.reversed]
            let step = link.flows[direction].next(
                under: conditions[direction], isReady: receiver?.isWritable ?? false, now: .now())
            switch step {
            case .pass(var bytes):
                corruption[direction]?.apply(to: &bytes)
                receiver?.writeAndFlush(bytes, promise: nil)
                traffic[direction].passed += bytes.readableBytes
            case .drop(let count):
                traffic[direction].dropped += count
            case .end(let end):
                receiver?.close(with: end)
            case .wait(let deadline):
                link.timers[direction] = eventLoop.scheduleTask(deadline: deadline) {
                    self.assumeIsolated { $0.pump(id, going: direction) }
                }
                break steps
            case .rest:
                break steps
            }
        }
        if link.flows[direction].wantsMore { link.sides[direction]?.read() }
    }

    func close(_ id: Int, by closing: (any Channel) -> Void) {
        guard let link = forget(id) else { return }
        for direction in Direction.allCases {
            if let side = link.sides[direction] { closing(side) }
        }
    }

    @discardableResult
    private func forget(_ id: Int) -> ChaosLink? {
        guard let link = links.removeValue(forKey: id) else { return nil }
        for direction in Direction.allCases {
            link.timers[direction]?.cancel()
            traffic[direction].dropped += link.flows[direction].held
        }
        if link.isThrough { traffic.connections -= 1 }
        return link
    }
}

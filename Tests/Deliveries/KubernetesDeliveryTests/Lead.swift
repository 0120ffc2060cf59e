import Deliveries
import KubernetesDelivery
import Synchronization

/// Leads as a test wants it, or as long as it wasn't asked too often.
final class Lead: Leadership {
    private let state: Mutex<(isLeading: Bool, questions: Int)>

    init(_ isLeading: Bool, questions: Int = .max) {
        state = Mutex((isLeading, questions))
    }

    var isLeading: Bool {
        get {
            state.withLock { state in
                state.questions -= 1
                return state.isLeading && state.questions >= 0
            }
        }
        set { state.withLock { $0.isLeading = newValue } }
    }
}

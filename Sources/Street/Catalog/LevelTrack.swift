/// How far the number of a registry's instances is below its peak of the last one to two windows.
///
/// What comes and goes at one moment counts as one change: an answer that shows fifty new instances and misses fifty
/// others is no loss of fifty.
struct LevelTrack: Sendable {
    /// Relative to the beginning.
    private var level = 0
    /// Of the moments before the last change.
    private var peak = 0
    /// The peak of the window before.
    private var earlierPeak = 0
    private var windowBegan = Duration.zero
    private var lastChange = Duration.zero

    var belowPeak: Int { max(peak, earlierPeak, level) - level }

    mutating func change(by difference: Int, now: Duration, window: Duration) {
        if now > lastChange { peak = max(peak, level) }
        lastChange = now
        if now - windowBegan >= window {
            (earlierPeak, peak, windowBegan) = (now - windowBegan < window * 2 ? peak : level, level, now)
        }
        level += difference
    }

    /// An instance returns that was missed for any time. The registry was at this level before.
    mutating func restore(now: Duration, window: Duration) {
        change(by: 1, now: now, window: window)
        peak = max(peak, level)
    }
}

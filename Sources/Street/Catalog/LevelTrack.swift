/// How far the number of a registry's instances is below its peak of the last one to two windows.
struct LevelTrack: Sendable {
    /// Relative to the beginning.
    private var level = 0
    private var peak = 0
    /// The peak of the window before.
    private var earlierPeak = 0
    private var windowBegan = Duration.zero

    var belowPeak: Int { max(peak, earlierPeak) - level }

    mutating func change(by difference: Int, now: Duration, window: Duration) {
        if now - windowBegan >= window {
            (earlierPeak, peak, windowBegan) = (now - windowBegan < window * 2 ? peak : level, level, now)
        }
        level += difference
        peak = max(peak, level)
    }
}

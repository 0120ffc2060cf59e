internal import Foundation

extension ChildProcess {
    /// Sends a signal, such as `SIGHUP`; nothing happens when the process has ended.
    public func signal(_ number: Int32) {
        guard isRunning else { return }
        _ = Foundation.kill(pid, number)
    }

    /// Ends it without giving it a chance to clean up (`SIGKILL`), as a crash would; it may take a moment to be gone.
    public func kill() {
        signal(SIGKILL)
    }

    /// Freezes it (`SIGSTOP`): its connections stay open, and it answers nothing. Returns when no thread runs any more.
    public func pause() async {
        signal(SIGSTOP)
        // The system reports the stop to the parent when the last thread has stopped; until then one may still answer.
        var report = siginfo_t()
        while isRunning, !Task.isCancelled {
            report.si_signo = 0
            if waitid(P_PID, id_t(pid), &report, WSTOPPED | WNOHANG) == 0, report.si_signo == SIGCHLD { return }
            try? await Task.sleep(for: .milliseconds(1))
        }
    }

    /// Lets it go on after ``pause()`` (`SIGCONT`).
    public func resume() {
        signal(SIGCONT)
    }

    /// Asks it to stop (`SIGTERM`), and kills it when it has not ended in time.
    ///
    /// - Parameter grace: how long it may take; a cancelled task gives it none.
    /// - Returns: how it ended: a signal 9 here means that it did not stop in time.
    @discardableResult
    public func stop(within grace: Duration = .seconds(10)) async -> ExitStatus {
        signal(SIGTERM)
        // A paused process would take the signal only when it goes on.
        resume()
        return await withTaskGroup(of: Void.self) { group in
            group.addTask {
                try? await Task.sleep(for: grace)
                self.kill()
            }
            let status = await waitForExit()
            group.cancelAll()
            return status
        }
    }
}

import Dispatch
import EntropyState
import NIOConcurrencyHelpers
import Platform

/// Writes the report of a running sink to its file, on a thread of its own: a disk that is full, slow or gone holds up no
/// packet, no receipt and no signal.
final class Reporter: Sendable {
    private struct State {
        /// Something is being written.
        var isBusy = false
        /// Milliseconds of the last attempt.
        var last: Int64?
        /// The last attempt failed, which was said.
        var isFailing = false
        /// Nil before the first attempt that succeeds, and at the end.
        var hold: FileLock?
    }

    /// Milliseconds from one attempt to the next.
    private static let interval: Int64 = 10_000
    /// The same where only what anyone could have caused is new, by sending a recorded packet again; and after a failure.
    private static let longInterval: Int64 = 60_000
    /// Seconds to wait for the disk at the start and at the end.
    private static let patience = 2

    private let file: SinkReportFile
    private let ledger: Ledger
    private let sources: KnownSources
    private let clock: Clock
    private let log: Log
    private let queue = DispatchQueue(label: "report")
    private let state = NIOLockedValueBox(State())

    init(_ path: String, _ ledger: Ledger, _ sources: KnownSources, clock: Clock, log: Log) {
        file = SinkReportFile(path)
        self.ledger = ledger
        self.sources = sources
        self.clock = clock
        self.log = log
    }

    /// Takes over what an earlier sink wrote, the sources' networks and how far the counters were, before anyone can connect. A
    /// file that cannot be read is reported when it is to be written.
    func recall() {
        queue.async { try? self.claim() }
        wait()
    }

    /// Writes the first report.
    func start() {
        look()
        wait()
    }

    /// Has the report written where something is new and its time has come. To be called every few seconds.
    func look() {
        let now = clock.milliseconds()
        let news = ledger.news
        guard news != .none else { return }
        let isDue = state.withLockedValue { state in
            let pause = news == .minor || state.isFailing ? Reporter.longInterval : Reporter.interval
            guard !state.isBusy, state.last.map({ now - $0 >= pause }) ?? true else { return false }
            (state.isBusy, state.last) = (true, now)
            return true
        }
        if isDue { queue.async { self.write() } }
    }

    /// Writes what is new, and lets the file go.
    func finish() {
        queue.async {
            if self.ledger.news != .none { self.write() }
            // Its file goes with it: not while others wait for the state.
            let hold = self.state.withLockedValue { state in
                defer { state.hold = nil }
                return state.hold
            }
            withExtendedLifetime(hold) {}
        }
        wait()
    }

    /// Waits until all is written, or a little: nobody hangs because a disk does.
    func wait() {
        let isDone = DispatchSemaphore(value: 0)
        queue.async { isDone.signal() }
        _ = isDone.wait(timeout: .now() + .seconds(Reporter.patience))
    }

    // On the queue only.
    private func write() {
        defer { state.withLockedValue { $0.isBusy = false } }
        do throws(StateError) {
            if state.withLockedValue({ $0.hold == nil }) { try claim() }
            var report = ledger.report()
            report.sources = sources.all
            try file.write(report)
            if fail(false) { log.line("\(file.path): written now") }
        } catch {
            ledger.notWritten()
            if !fail(true) { log.line("\(describe(error)); packets are taken all the same") }
        }
    }

    private func describe(_ error: StateError) -> String {
        switch error {
        case .content, .notJSON:
            "\(error.message); it is left as it is: remove it, or name another file by --status-file"
        case .reportInUse: error.message
        default: "\(error.message); entropy-sink --status has nothing new to read"
        }
    }

    /// Returns whether it failed before.
    private func fail(_ isFailing: Bool) -> Bool {
        state.withLockedValue { state in
            defer { state.isFailing = isFailing }
            return state.isFailing
        }
    }

    /// What is there and is no report stays: it may be a file that somebody cannot do without.
    private func claim() throws(StateError) {
        let hold = try file.hold()
        if let earlier = try file.earlier() {
            sources.recall(earlier.sources)
            for line in ledger.recall(earlier) { log.line("\(file.path): \(line)") }
        }
        state.withLockedValue { $0.hold = hold }
    }
}

import EntropyPacket
import EntropyState
import Platform

// What became of deliveries, in a file for who asks a running source.
extension Source {
    /// What stands where the report is to be written: a report, or nothing; or what is neither, and stays.
    enum ReportPlace { case unseen, ours, foreign }

    /// Milliseconds between two rewritings while deliveries go on.
    private static let reportInterval: Int64 = 10_000

    /// Once all is quiet, or now and then while it is not.
    func writeReport() {
        let now = clock.milliseconds()
        guard let path = settings.report, isReportNew, reportPlace != .foreign,
            delivery.isIdle || saturatingDifference(now, reportWritten) >= Source.reportInterval
        else { return }
        // A running source has its own.
        if runningSince == nil, ReportLock.isHeld(path) == true { return }
        reportWritten = now
        isReportNew = false
        report.note(feed)
        report.written = clock.unixTime()
        report.started = runningSince.map {
            saturatingDifference(clock.unixTime(), saturatingDifference(now, $0) / 1000)
        }
        let isTrusted = feed.isTrusted || settings.isSoftwareEnough
        ServiceManager.status(report.summary + (isTrusted ? "" : "; no physical noise, nothing is sent"))
        do throws(StateError) {
            if reportPlace == .unseen { _ = try earlierReport(path) }
            if reportPlace == .ours { try report.write(to: path) }
        } catch {
            say(error.message)
        }
    }

    /// What is known from earlier runs.
    func remember() {
        guard let path = settings.report else { return }
        do throws(StateError) {
            guard let earlier = try earlierReport(path) else { return }
            report = earlier
            for entry in earlier.entries where entry.memory.isSmall {
                delivery.useSmallSegments(for: entry.identity)
            }
        } catch {
            say(error.message)
        }
    }

    /// Shows that this source runs, for as long as it does.
    func claimReport() {
        guard let path = settings.report, reportLock == nil else { return }
        do throws(SystemError) {
            reportLock = try ReportLock.hold(path)
        } catch {
            // Where the lock cannot be made, the report cannot be written either, and that is said.
            guard error.isHeld else { return }
            reportPlace = .foreign
            say(
                "\(path): another running source writes it; nothing is written for --status: name another --status-file"
            )
        }
    }

    /// What is there and is no report may be what somebody cannot do without, named by mistake.
    private func earlierReport(_ path: String) throws(StateError) -> Report? {
        do throws(StateError) {
            let earlier = try Report.earlier(at: path)
            reportPlace = .ours
            return earlier
        } catch {
            guard error.exitCode == .badInput else { throw error }
            reportPlace = .foreign
            say(
                "\(error.message); it is left as it is, and nothing is written for --status: name another --status-file"
            )
            return nil
        }
    }
}

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
        reportWritten = now
        isReportNew = false
        report.note(feed)
        let isTrusted = feed.isTrusted || settings.isSoftwareEnough
        ServiceManager.status(report.summary + (isTrusted ? "" : "; no physical noise, nothing is sent"))
        do throws(StateError) {
            if reportPlace == .unseen { try examineReportPlace(path) }
            if reportPlace == .ours { try report.write(to: path) }
        } catch {
            say(error.message)
        }
    }

    /// What is there and is no report may be what somebody cannot do without, named by mistake.
    private func examineReportPlace(_ path: String) throws(StateError) {
        do throws(StateError) {
            try Report.requireReportOrNothing(at: path)
            reportPlace = .ours
        } catch {
            guard error.exitCode == .badInput else { throw error }
            reportPlace = .foreign
            say(
                "\(error.message); it is left as it is, and nothing is written for --status: name another --status-file"
            )
        }
    }
}

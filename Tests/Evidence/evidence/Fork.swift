import CEvidence
import CommandLine
import Fortuna
import Platform

/// Forks a process whose Fortuna is seeded: both would go on with the same output. The child must get none, the parent must.
func readAfterFork() throws(Failure) {
    let fortuna = try FedFortuna()
    let before = try fortuna.read(chunk)
    try Terminal.output("before the fork: \(before.count) bytes")
    let child = evidence_fork()
    guard child >= 0 else { throw Failure(.failed, "cannot fork") }
    if child == 0 {
        do throws(FortunaError) {
            let bytes = try fortuna.accumulator.read(chunk)
            try? Terminal.output("child: \(bytes.count) bytes")
            evidence_end_child(1)
        } catch {
            try? Terminal.output("child: no output (\(error.message))")
            evidence_end_child(0)
        }
    }
    let status = evidence_wait(child)
    let after = try fortuna.read(chunk)
    try Terminal.output("parent: \(after.count) bytes")
    guard status == 0 else { throw Failure(.failed, "the child got output") }
    guard after != before else { throw Failure(.failed, "the parent got the same output twice") }
}

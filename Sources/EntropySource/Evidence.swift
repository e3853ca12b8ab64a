import EntropyCrypto
import EntropyState
import Fortuna
import Health
import Platform

/// What a source can show for its entropy: each noise source by itself, and the tests of FIPS 140-2 on what Fortuna makes of
/// them. The tests find what is broken; that nobody knows the bytes they cannot show.
public struct Evidence: Sendable {
    let trials: [NoiseTrial]
    let output: FIPS140
    /// Why Fortuna gave no output.
    let trouble: String?
    private let isSoftwareEnough: Bool
    /// The program was asked to end before all was tried.
    public let isInterrupted: Bool

    /// Bytes of Fortuna's output that are tested.
    static let outputSize = 1 << 20
    /// Milliseconds that one source may take.
    static let limit: Int64 = 30_000

    /// Tests itself, tries each source in turn, and then Fortuna. Says what it is at, which can take half a minute for each.
    public init(
        of sources: [any NoiseSource], isSoftwareEnough: Bool, clock: Clock, termination: Termination,
        say: (String) -> Void
    ) throws(SourceError) {
        do throws(FortunaError) { try SelfTest.run() } catch { throw .fortuna(error) }
        self.isSoftwareEnough = isSoftwareEnough
        var trials: [NoiseTrial] = []
        for source in sources where !source.kind.isPaced {
            say("\(source.name): asking for \(NoiseTrial.samples) bytes, for \(Evidence.limit / 1000) s at the most")
            trials.append(NoiseTrial(source, clock: clock, limit: Evidence.limit, termination))
        }
        self.trials = trials
        guard !termination.check() else {
            (output, trouble, isInterrupted) = (FIPS140(), "interrupted", true)
            return
        }
        isInterrupted = false
        say("Fortuna: testing \(Evidence.outputSize) bytes of output")
        var output = FIPS140()
        var trouble: String?
        do throws(SourceError) {
            try Evidence.test(&output, sources, isSoftwareEnough, clock, say)
        } catch {
            trouble = error.message
        }
        self.output = output
        self.trouble = trouble
    }

    private static func test(
        _ output: inout FIPS140, _ sources: [any NoiseSource], _ isSoftwareEnough: Bool, _ clock: Clock,
        _ say: (String) -> Void
    ) throws(SourceError) {
        let accumulator = Accumulator(clock: clock)
        let feed = NoiseFeed(sources, into: accumulator, clock: clock, isSoftwareEnough: isSoftwareEnough)
        // What is wrong with a source was found out before.
        do throws(NoiseError) { try feed.fill(report: { _ in }) } catch { throw .noise(error) }
        var left = outputSize
        var block: [UInt8] = []
        while left > 0 {
            do throws(FortunaError) {
                // As it is read for packets.
                block += try accumulator.read(min(left, 1024))
            } catch {
                throw .fortuna(error)
            }
            left -= min(left, 1024)
            guard block.count >= FIPS140.blockSize else { continue }
            output.add(block: Array(block.prefix(FIPS140.blockSize)))
            block.removeFirst(FIPS140.blockSize)
        }
    }

    /// True when a packet could be sent with these, and nothing that they gave looks wrong.
    public var isPassed: Bool {
        trouble == nil && !output.isFailed
            && trials.contains { $0.isHealthy && (isSoftwareEnough || $0.kind.isPhysical) }
            && !trials.contains { $0.hasTripped || $0.isBelowClaim }
    }

    /// Two tables.
    public var lines: [String] {
        var table = [
            ["noise", "health", "bytes", "bytes/s", "1 KB", "claimed", "most common", "Markov", "remark"]
        ]
        for trial in trials {
            let isEstimated = trial.isEstimated
            table.append([
                trial.origin.isEmpty ? trial.name : "\(trial.name) (\(trial.origin))",
                health(trial), String(trial.bytes),
                trial.rate == 0 ? "-" : String(trial.rate), trial.bytes == 0 ? "-" : "\(trial.fillMilliseconds) ms",
                decimal(trial.kind.entropy), isEstimated ? decimal(trial.estimate.mostCommonValue) : "-",
                isEstimated ? decimal(trial.estimate.markov) : "-", remark(trial),
            ])
        }
        var tests = [["FIPS 140-2", "blocks", "failed"]]
        for test in FIPS140.Test.allCases {
            tests.append([test.name.description, String(output.blocks), String(output.failures(of: test))])
        }
        tests.append([
            "any of them", String(output.blocks), "\(output.failedBlocks) (up to \(output.allowedBlocks) are chance)",
        ])
        return TextTable.lines(table) + ["entropy in bits per byte", ""]
            + (isInterrupted ? [] : TextTable.lines(tests)) + [
                isPassed ? "passed" : "failed" + (trouble.map { ": \($0)" } ?? "")
            ]
    }

    private func health(_ trial: NoiseTrial) -> String {
        if trial.isHealthy { return "healthy" }
        return trial.bytes == 0 && trial.isInterrupted && trial.trouble == nil ? "not tried" : "failed"
    }

    private func remark(_ trial: NoiseTrial) -> String {
        if let trouble = trial.trouble { return trouble }
        if trial.isBelowClaim { return "less than what is claimed" }
        if trial.isInterrupted { return "interrupted" }
        return trial.bytes < NoiseTrial.samples ? "too slow for \(NoiseTrial.samples) samples" : ""
    }

    /// One JSON object: `Passed`, `Sources` and `Output`, and `Reason` where Fortuna was not tested.
    public func encode() -> [UInt8] {
        let document = JSONDocument(empty: .object)
        document.value.set("Passed", boolean: isPassed)
        if let trouble { document.value.set("Reason", trouble) }
        let sources = document.value.array("Sources") { _ in }
        for trial in trials {
            let object = sources.appendObject()
            object.set("Name", trial.name)
            if !trial.origin.isEmpty { object.set("Origin", trial.origin) }
            object.set("Kind", trial.kind.word.description)
            object.set("Physical", boolean: trial.kind.isPhysical)
            object.set("Healthy", boolean: trial.isHealthy)
            object.set("Bytes", Int64(trial.bytes))
            object.set("Milliseconds", trial.milliseconds)
            object.set("FillMilliseconds", trial.fillMilliseconds)
            object.set("ClaimedBitsPerByte", number: decimal(trial.kind.entropy))
            if trial.isEstimated {
                object.set("MostCommonValueBitsPerByte", number: decimal(trial.estimate.mostCommonValue))
                object.set("MarkovBitsPerByte", number: decimal(trial.estimate.markov))
            }
            if !remark(trial).isEmpty { object.set("Remark", remark(trial)) }
        }
        guard !isInterrupted else { return document.encode() }
        let tests = document.value.array("Output") { _ in }
        for test in FIPS140.Test.allCases {
            let object = tests.appendObject()
            object.set("Test", test.name.description)
            object.set("Blocks", Int64(output.blocks))
            object.set("Failed", Int64(output.failures(of: test)))
        }
        return document.encode()
    }
}

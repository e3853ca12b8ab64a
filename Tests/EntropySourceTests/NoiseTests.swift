import EntropyCrypto
import Fortuna
import Glibc
import Health
import Platform
import Support
import Testing

@testable import EntropySource

/// Noise that fails: what trips, what is said, that nothing is sent, and what comes after.
@Suite(.serialized) struct NoiseTests {
    let directory: TemporaryDirectory
    let catcher: PacketCatcher
    let hand = HandClock()

    final class HandClock: @unchecked Sendable {
        var milliseconds: Int64 = 1_800_000_000_000
        var clock: Clock { Clock(unixTime: { self.milliseconds / 1000 }, milliseconds: { self.milliseconds }) }
    }

    init() throws {
        directory = try TemporaryDirectory()
        catcher = try PacketCatcher()
    }

    func source(
        _ noise: [any NoiseSource], isSoftwareEnough: Bool = false, arrivals: ArrivalNoise? = nil,
        say: @escaping (String) -> Void = { _ in }
    ) throws -> Source {
        let key = Base64.encode(BoxPrivateKey().publicKey.bytes)
        // It gives no receipts, and is sent many packets.
        let entry = "\"Address\": \"127.0.0.1:\(catcher.port)\", \"Public\": \"\(key)\", \"Receipts\": false"
        try directory.write("targets.json", "[{\(entry)}]")
        let settings = Source.Settings(
            targets: directory.file("targets.json"), seed: directory.file("seed"), interval: 60, scan: 60,
            earliest: 1000,
            isSoftwareEnough: isSoftwareEnough)
        return try Source(
            settings, signer: try SoftwareSigner(generating: .ecdsaP256), noise: noise, arrivals: arrivals,
            clock: hand.clock, termination: try Termination(), say: say)
    }

    /// Each failure, of each source that counts: the only one besides the kernel.
    @Test(arguments: [NoiseKind.tpm, .hwrng, .jitter], InducedNoise.Failure.allCases)
    func aFailureStopsTheSource(_ kind: NoiseKind, _ failure: InducedNoise.Failure) throws {
        let noise = InducedNoise(kind)
        var said: [String] = []
        let source = try source([noise, KernelNoise()]) { said.append($0) }
        #expect(try source.scan().served == 1)
        noise.failure = failure
        // It is found so, and stays so.
        for _ in 1...2 {
            hand.milliseconds += 120_000
            said = []
            let error = #expect(throws: SourceError.self) { try source.scan() }
            guard case .noise = error else { throw NoiseError(.failed, "another error") }
            // Which source, and which test.
            #expect(error?.message.contains("\(noise.name): ") == true, "\(error?.message ?? "")")
            #expect(error?.message.contains(failure.test) == true, "\(error?.message ?? "")")
            #expect(catcher.frames.count == 1)
            guard failure != .gone else { continue }
            #expect(said.count == 1 && said[0].hasPrefix("\(noise.name): "), "\(said)")
            #expect(said[0].contains(failure.test), "\(said)")
            #expect(source.report.noise.map { $0.status } == [.failed, .healthy])
        }
        noise.failure = nil
        hand.milliseconds += 120_000
        #expect(try source.scan().served == 1)
        #expect(source.report.noise.map { $0.status } == [.healthy, .healthy])
        #expect(catcher.frames.count == 2)
    }

    /// What is not there is not called a missing or bad input file; what could be missing of the kernel is named.
    @Test func whatIsNotThere() {
        for (kind, errno, code, things) in [
            (.hwrng, ENODEV, .unavailable, []), (.hwrng, EACCES, .permission, []), (.hwrng, ENOENT, .unavailable, []),
            (.hwrng, EIO, .unavailable, []), (.jitter, EAFNOSUPPORT, .unavailable, ["AF_ALG", "af_alg"]),
            (.jitter, ENOENT, .unavailable, ["algif_rng"]), (.jitter, EPERM, .permission, []),
            (.file, ENOENT, .missingInput, []),
        ] as [(NoiseKind, Int32, ExitCode, [String])] {
            let error = StreamNoise.explain(SystemError("open", "x", errno: errno), kind, "x")
            #expect(error.exitCode == code)
            for thing in ["x"] + things { #expect(error.message.names(thing), "\(error.message)") }
        }
    }

    /// All but one: a kilobyte that comes for the first time cannot be told from good ones.
    @Test(arguments: InducedNoise.Failure.allCases.filter { $0 != .repeated })
    func nothingStartsWithBadNoise(_ failure: InducedNoise.Failure) throws {
        let error = #expect(throws: SourceError.self) { try source([InducedNoise(.tpm, failure), KernelNoise()]) }
        #expect(error?.message.contains(failure.test) == true)
        #expect(error?.exitCode == .unavailable)
    }

    @Test(arguments: [NoiseKind.kernel, .arrivals, .file, .command]) func notEverySourceCounts(_ kind: NoiseKind) throws
    {
        let error = #expect(throws: SourceError.self) { try source([InducedNoise(kind), KernelNoise()]) }
        #expect(error?.exitCode == .unavailable)
        #expect(try source([InducedNoise(kind), KernelNoise()], isSoftwareEnough: true).scan().served == 1)
    }

    @Test func oneOfTwoIsEnough() throws {
        let (bad, good) = (InducedNoise(.tpm), InducedNoise(.hwrng))
        let source = try source([bad, good, KernelNoise()])
        bad.failure = .stuck
        for number in 1...3 {
            hand.milliseconds += 120_000
            #expect(try source.scan().served == 1)
            #expect(catcher.frames.count == number)
        }
        #expect(source.report.noise.map { $0.status } == [.failed, .healthy, .healthy])
        #expect(source.report.noise.map { $0.failures } == [3, 0, 0])
    }

    @Test func theKernelMayBeSwitchedOff() throws {
        let noise = InducedNoise(.tpm)
        #expect(try source([noise]).scan().served == 1)
        // Alone, it has to fill pool 0 by itself: two events of 32 bytes, and their headers.
        #expect(noise.requests.prefix(2) == [1024, 1024])
    }

    /// The filling of the start does for the first packets. Every round after it has one of its own, and so has a first one
    /// that comes late.
    @Test(arguments: [0, 120_000]) func thePoolsAreFilledOnceForTheFirstPackets(_ wait: Int64) throws {
        let noise = InducedNoise(.tpm)
        let source = try source([noise, KernelNoise()])
        hand.milliseconds += wait
        for number in 1...3 {
            #expect(try source.scan().served == 1)
            #expect(noise.requests.count == (wait == 0 ? number : number + 1))
            hand.milliseconds += 120_000
        }
    }

    @Test func whatFailsAlwaysEndsTheSource() throws {
        let noise = InducedNoise(.tpm)
        var said: [String] = []
        let source = try source([noise, KernelNoise()]) { said.append($0) }
        hand.milliseconds += 120_000
        noise.failure = .zeros
        for number in 1...10 {
            #expect(throws: SourceError.self) { try source.scan() }
            hand.milliseconds += 120_000
            #expect(source.report.noise.first?.status == (number == 10 ? .givenUp : .failed), "\(said)")
        }
        // It is not asked again, though it is well now: who failed for so long is for a person to look at.
        noise.failure = nil
        let requests = noise.requests.count
        let error = #expect(throws: SourceError.self) { try source.run() }
        #expect(error?.exitCode == .unavailable)
        #expect(noise.requests.count == requests && catcher.frames.isEmpty)
    }

    /// The last failure comes while the program runs: it ends at once, and not when it would have looked next.
    @Test(.timeLimit(.minutes(1))) func theLastFailureEndsARunningSource() throws {
        let noise = InducedNoise(.tpm)
        let source = try source([noise, KernelNoise()])
        hand.milliseconds += 120_000
        noise.failure = .zeros
        for _ in 1...9 {
            #expect(throws: SourceError.self) { try source.scan() }
            hand.milliseconds += 120_000
        }
        let error = #expect(throws: SourceError.self) { try source.run() }
        #expect(error?.exitCode == .unavailable && noise.requests.count == 11)
    }

    @Test func aGoodStretchIsANewBeginning() throws {
        let noise = InducedNoise(.tpm)
        let source = try source([noise, KernelNoise()])
        hand.milliseconds += 120_000
        for _ in 0..<3 {
            for _ in 0..<9 {
                noise.failure = .zeros
                #expect(throws: SourceError.self) { try source.scan() }
                hand.milliseconds += 120_000
            }
            noise.failure = nil
            #expect(try source.scan().served == 1)
            hand.milliseconds += 120_000
        }
    }

    /// The pools are filled anew every six hours, though nobody is due.
    @Test func thePoolsAreFilledEverySixHours() throws {
        let noise = InducedNoise(.tpm)
        let source = try source([noise, KernelNoise()])
        try directory.write("targets.json", "[]")
        for (hours, requests) in [(0, 1), (5, 1), (1, 2), (0, 2), (6, 3)] {
            hand.milliseconds += Int64(hours) * 3_600_000
            // The wall clock does as well: no jump.
            #expect(try source.scan().served == 0)
            #expect(noise.requests.count == requests)
        }
    }

    @Test func thePoolsAreFilledAfterMuchOutput() throws {
        let accumulator = Accumulator(clock: hand.clock)
        let feed = NoiseFeed(
            [InducedNoise(.tpm), KernelNoise()], into: accumulator, clock: hand.clock, isSoftwareEnough: false,
            outputLimit: 2048)
        try feed.fill { _ in }
        for _ in 0..<3 {
            _ = try accumulator.read(1024)
            #expect(!feed.isDue)
            _ = try accumulator.read(1024)
            #expect(feed.isDue)
            try feed.fill { _ in }
            #expect(!feed.isDue)
        }
    }

    @Test func noSourceDrownsAnother() throws {
        let arrivals = ArrivalNoise()
        for _ in 0..<100_000 { arrivals.note() }
        #expect(arrivals.gather(4096).count == 1024)
        #expect(arrivals.gather(4096).isEmpty)
        let sources = [InducedNoise(.tpm), InducedNoise(.hwrng), InducedNoise(.file)]
        let feed = NoiseFeed(
            sources, into: Accumulator(clock: hand.clock), clock: hand.clock, isSoftwareEnough: false)
        try feed.fill { _ in }
        #expect(sources.allSatisfy { $0.requests == [1024] })
    }

    /// Two seconds for a kilobyte: then twenty seconds for the others, whether it gave something or not.
    @Test(arguments: [nil, InducedNoise.Failure.gone]) func aSlowSourceHasItsRests(_ failure: InducedNoise.Failure?)
        throws
    {
        let (slow, quick) = (InducedNoise(.jitter), InducedNoise(.tpm))
        slow.onRequest = { hand.milliseconds += 2000 }
        let feed = NoiseFeed(
            [slow, quick], into: Accumulator(clock: hand.clock), clock: hand.clock, isSoftwareEnough: false)
        slow.failure = failure
        for (wait, requests) in [(0, 1), (12_000, 1), (7_999, 1), (1, 2)] as [(Int64, Int)] {
            hand.milliseconds += wait
            try feed.fill { _ in }
            #expect(slow.requests.count == requests, "\(wait)")
        }
    }

    @Test func aSlowSourceAloneFillsThePools() throws {
        let slow = InducedNoise(.jitter)
        slow.onRequest = { hand.milliseconds += 2000 }
        #expect(try source([slow]).scan().served == 1)
        #expect(slow.requests.count >= 2)
    }

    /// Connections, packets and receipts leave their moments behind, which go to the pools with the next filling.
    @Test func arrivalsAreCounted() throws {
        let arrivals = ArrivalNoise()
        let source = try source([InducedNoise(.tpm), KernelNoise(), arrivals], arrivals: arrivals)
        #expect(try source.scan().served == 1)
        hand.milliseconds += 120_000
        #expect(try source.scan().served == 1)
        let entry = try #require(source.report.noise.first { $0.name == "arrival times" })
        #expect(entry.bytes > 0 && entry.status == .starting)
    }

    @Test func theReportTells() throws {
        let noise = InducedNoise(.hwrng)
        let source = try source([noise, KernelNoise()])
        hand.milliseconds += 120_000
        noise.failure = .biased
        #expect(throws: SourceError.self) { try source.scan() }
        let sources = source.report.noise
        #expect(sources.map { $0.status } == [.failed, .healthy])
        #expect(sources.map { $0.failures } == [1, 0] && sources.map { $0.bytes } == [1024, 2048])
        #expect(source.report.noiseLines.contains { $0.hasPrefix("induced hwrng  failed   1024   1") })
        let read = try Report(decoding: source.report.encode(), file: "status")
        #expect(read.encode() == source.report.encode() && read.noiseLines == source.report.noiseLines)
    }
}

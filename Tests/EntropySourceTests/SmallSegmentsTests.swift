import EntropyState
import Testing

@testable import EntropySource

/// Which sinks get small segments, and when they are tried.
@Suite struct SmallSegmentsTests {
    @Test func theyAreTriedOnceAndKeptWhereTheyHelp() throws {
        var segments = SmallSegments()
        let (one, other) = (try Target.example("a:1").identity, try Target.example("b:1").identity)
        #expect(segments.size(for: one) == nil && segments.mayHelp(one))
        segments.use(for: one)
        #expect(segments.size(for: one) == 536 && !segments.mayHelp(one) && segments.mayHelp(other))
        segments.worked(one)
        #expect(segments.size(for: one) == 536)
        // Not acknowledged in small ones either: as usual next, and no second packet for it before one arrived.
        segments.failed(one)
        #expect(segments.size(for: one) == nil && !segments.mayHelp(one))
        segments.failed(one)
        #expect(!segments.mayHelp(one))
        segments.worked(one)
        #expect(segments.mayHelp(one))
    }
}

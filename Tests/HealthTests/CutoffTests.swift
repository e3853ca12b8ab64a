import Health
import Testing

@Suite struct CutoffTests {
    @Test func fullEntropy() {
        #expect(Cutoff.repetition(entropy: 8) == 5)
    }
}

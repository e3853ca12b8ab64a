import CEvidence
import CommandLine
import Platform

/// Fortuna's chunks against the bare loop of OpenSSL's AES-256-CTR that makes a key for each kilobyte too, in turn, five
/// times for so many milliseconds each.
func compareThroughput(milliseconds: Int64) throws(Failure) {
    let fortuna = try FedFortuna()
    var ours: [Double] = []
    var bare: [Double] = []
    let widths = [6, 14, 20]
    try Terminal.output(row(["run", "Fortuna MB/s", "OpenSSL MB/s"], widths))
    for run in 1...5 {
        ours.append(
            try megabytesPerSecond(milliseconds) { (kilobytes: Int) throws(Failure) in
                for _ in 0..<kilobytes { _ = try fortuna.read(chunk) }
            })
        bare.append(
            try megabytesPerSecond(milliseconds) { (kilobytes: Int) throws(Failure) in
                guard evidence_bare_kilobytes(kilobytes) >= 0 else {
                    throw Failure(.failed, "OpenSSL's AES-256 failed")
                }
            })
        try Terminal.output(row(["\(run)", fixed(ours[run - 1], 1), fixed(bare[run - 1], 1)], widths))
    }
    try Terminal.output(row(["median", fixed(median(ours), 1), fixed(median(bare), 1)], widths))
    try Terminal.output("ratio   \(fixed(median(ours) / median(bare), 2))")
}

/// Megabytes are millions of bytes.
private func megabytesPerSecond(
    _ milliseconds: Int64, _ make: (_ kilobytes: Int) throws(Failure) -> Void
) throws(Failure) -> Double {
    let clock = Clock.system
    let start = clock.milliseconds()
    var kilobytes = 0
    while true {
        try make(256)
        kilobytes += 256
        let passed = clock.milliseconds() - start
        guard passed < milliseconds else { return Double(kilobytes) * Double(chunk) / 1000 / Double(max(1, passed)) }
    }
}

private func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

/// The release: what `--version` prints, and the moment before which no clock can be right.
public enum Version {
    public static let number: StaticString = "2.0.0"
    /// Unix time of this release, 2026-11-01: a board whose clock says less has not set it since it was switched on.
    public static let released: Int64 = 1_793_491_200
}

@testable import EntropyState

extension StateError {
    /// The field that an error about a file's content names.
    var field: String? {
        guard case .content(_, let field, _) = self else { return nil }
        return field
    }
}

import Foundation

/// The data under Tests/Vectors.
public enum Vectors {
    public static func load<T: Decodable>(_ name: String, as type: T.Type) throws -> T {
        let url = packageRoot.appendingPathComponent("Tests/Vectors/\(name)")
        return try decode(type, from: Data(contentsOf: url))
    }

    /// Names in JSON are in snake case, ours are not.
    public static func decode<T: Decodable>(_ type: T.Type, from data: Data) throws -> T {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(type, from: data)
    }
}

/// Bytes from hexadecimal text; traps on anything else, since only our own data is read so.
public func hex(_ text: String) -> [UInt8] {
    let digits = Array(text.utf8)
    precondition(digits.count % 2 == 0, "an even number of digits")
    return stride(from: 0, to: digits.count, by: 2).map {
        UInt8(String(decoding: digits[$0..<($0 + 2)], as: UTF8.self), radix: 16)!
    }
}

public func hexadecimal(_ bytes: some Sequence<UInt8>) -> String { bytes.map { String(format: "%02x", $0) }.joined() }

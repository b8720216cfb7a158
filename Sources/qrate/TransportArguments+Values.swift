public import ArgumentParser
public import QrateKit

extension AEADChoice: ExpressibleByArgument {
    public init?(argument: String) { self.init(rawValue: argument.lowercased()) }
}

extension CipherSuite: ExpressibleByArgument {
    public init?(argument: String) { self.init(rawValue: argument.lowercased()) }
}

/// `--max-datagram`.
struct MaxDatagramArgument: ExpressibleByArgument {
    let value: TransportSettings.MaxDatagram

    init?(argument: String) {
        if argument == "interface" {
            value = .interface
        } else if let bytes = UInt16(argument) {
            value = .bytes(Int(bytes))
        } else {
            return nil
        }
    }
}

/// A number as `-S` and `--dscp` take it: decimal, or hexadecimal with `0x`.
enum SmallNumber {
    /// nil also for a decimal with a leading zero, which other programs read as octal.
    static func parse(_ text: String) -> UInt8? {
        if text.lowercased().hasPrefix("0x") {
            let digits = text.dropFirst(2)
            guard digits.allSatisfy(\.isHexDigit) else { return nil }
            return UInt8(digits, radix: 16)
        }
        guard text.allSatisfy({ $0.isASCII && $0.isNumber }), text == "0" || !text.hasPrefix("0") else { return nil }
        return UInt8(text)
    }
}

/// `-S`: the whole byte.
struct TypeOfServiceArgument: ExpressibleByArgument {
    let byte: UInt8

    init?(argument: String) {
        guard let byte = SmallNumber.parse(argument) else { return nil }
        self.byte = byte
    }
}

/// `--dscp`: the upper six bits of that byte (RFC 2474), by number or by the name that IANA registered.
struct CodePointArgument: ExpressibleByArgument {
    let codePoint: UInt8

    init?(argument: String) {
        guard let codePoint = Self.named[argument.lowercased()] ?? SmallNumber.parse(argument), codePoint < 64 else {
            return nil
        }
        self.codePoint = codePoint
    }

    /// The lower two bits are ECN's and stay 0.
    var typeOfService: UInt8 { codePoint << 2 }

    private static let named: [String: UInt8] = {
        // RFC 3246, RFC 5865, RFC 8622.
        var names: [String: UInt8] = ["ef": 46, "va": 44, "le": 1]
        for level in UInt8(0)...7 { names["cs\(level)"] = level * 8 }  // RFC 2474
        for level in UInt8(1)...4 {
            for drop in UInt8(1)...3 { names["af\(level)\(drop)"] = level * 8 + drop * 2 }  // RFC 2597
        }
        return names
    }()
}

import QrateMeasurement

/// Times as JSON numbers, to the nanosecond. Divided from whole nanoseconds, because that gives the number nearest to
/// the decimal: 24.1 and not 24.099999999999998.
extension Duration {
    var jsonMilliseconds: Double { Double(nanoseconds) / 1e6 }
    var jsonSeconds: Double { Double(nanoseconds) / 1e9 }
    var jsonMicroseconds: Double { Double(nanoseconds) / 1e3 }
}

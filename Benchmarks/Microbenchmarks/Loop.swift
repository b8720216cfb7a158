/// A measurement that gives one figure or several.
protocol Benchmark {
    /// What ``Figure/name`` begins with.
    var name: String { get }

    func run(seconds: Double) throws -> [Figure]
}

/// The same operation over and over.
struct Loop: Benchmark {
    let name: String
    let operation: String
    var bytes: Int?
    /// How many operations one call of `body` is.
    var operations = 1
    let body: () throws -> Void

    /// Long enough for the clock's cost to vanish.
    private static let sampleNanoseconds = 5e6

    func run(seconds: Double) throws -> [Figure] {
        var calls = 1
        while try sample(calls) * Double(calls * operations) < Self.sampleNanoseconds { calls *= 2 }
        var samples: [Double] = []
        let end = Stopwatch.now + seconds * 1e9
        repeat { samples.append(try sample(calls)) } while Stopwatch.now < end
        return [Figure(name, per: operation, bytes: bytes, samples: samples)]
    }

    /// Nanoseconds for one operation.
    private func sample(_ calls: Int) throws -> Double {
        let start = Stopwatch.now
        for _ in 0..<calls { try body() }
        return (Stopwatch.now - start) / Double(calls * operations)
    }
}

/// Keeps the optimiser from finding out that nobody looks at a result.
@inline(never) func keep<Value>(_: Value) {}

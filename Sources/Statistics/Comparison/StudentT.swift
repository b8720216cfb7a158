/// Student's t distribution, as far as intervals need it.
enum StudentT {
    /// The quantile that leaves 2.5 % above it: half the width of a 95 % interval in standard errors.
    ///
    /// - Parameter degrees: Degrees of freedom.
    /// - Returns: nil for less than one: a single value says nothing about its own scatter.
    static func quantile975(degrees: Int) -> Double? {
        guard degrees > 0 else { return nil }
        guard degrees > exact.count else { return exact[degrees - 1] }
        // Cornish and Fisher's expansion about the normal quantile, good to 1e-5 from here on (Abramowitz and Stegun 26.7.5).
        let x = 1.959_963_984_540_054, n = Double(degrees)
        let cube = x * x * x, fifth = cube * x * x
        return x + (cube + x) / (4 * n) + (5 * fifth + 16 * cube + 3 * x) / (96 * n * n)
    }

    /// Of 1 to 30 degrees of freedom (NIST/SEMATECH e-Handbook 1.3.6.7.2).
    private static let exact: [Double] = [
        12.706205, 4.302653, 3.182446, 2.776445, 2.570582, 2.446912, 2.364624, 2.306004, 2.262157, 2.228139,
        2.200985, 2.178813, 2.160369, 2.144787, 2.131450, 2.119905, 2.109816, 2.100922, 2.093024, 2.085963,
        2.079614, 2.073873, 2.068658, 2.063899, 2.059539, 2.055529, 2.051831, 2.048407, 2.045230, 2.042272,
    ]
}

package import QrateMeasurement

extension ErrorMessage {
    /// Tells the peer why its test ended.
    package init(_ failure: TestFailure) {
        self.init(message: failure.message, qrate: Extension(code: failure.kind.rawValue))
    }

    /// What the peer says went wrong, safe to print.
    ///
    /// - Parameter kind: What it means when the peer gives no code, as xfr, or one that is not for a peer to give: a
    ///   server can't know about our command line or why we don't trust its certificate.
    package func failure(otherwise kind: TestFailure.Kind) -> TestFailure {
        let told = (qrate?.code).flatMap(TestFailure.Kind.init(rawValue:))
        let text = printable(message, limit: Self.longestShown)
        switch told {
        case .failed?, .refused?, .protocolError?, .permission?: return TestFailure(told ?? kind, text)
        case .usage?, .badInput?, .unreachable?, .certificate?, .interrupted?, nil: return TestFailure(kind, text)
        }
    }

    /// In bytes; a sentence or two.
    private static let longestShown = 400
}

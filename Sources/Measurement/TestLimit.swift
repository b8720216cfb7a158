/// When a direction has sent enough. With both, whichever ends first.
public struct TestLimit: Sendable, Hashable {
    /// The length of the measured window; the warm-up comes in addition.
    public var duration: Duration?
    /// Payload bytes per direction, shared by all its streams.
    public var byteBudget: ByteCount?

    private init(duration: Duration?, byteBudget: ByteCount?) {
        self.duration = duration
        self.byteBudget = byteBudget
    }

    public static func duration(_ duration: Duration) -> TestLimit { TestLimit(duration: duration, byteBudget: nil) }
    public static func bytes(_ budget: ByteCount) -> TestLimit { TestLimit(duration: nil, byteBudget: budget) }
    public static func whicheverFirst(_ duration: Duration, _ budget: ByteCount) -> TestLimit {
        TestLimit(duration: duration, byteBudget: budget)
    }
    /// Until the client ends it, or a server's limit does.
    public static let endless = TestLimit(duration: nil, byteBudget: nil)

    public var isEndless: Bool { self == .endless }
}

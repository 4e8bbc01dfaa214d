/// Deliver these positions of a publish to a subscription.
struct DeliveryOrder: Equatable {
    var delivery: Int
    var publish: Int
    var subscription: Int
    var range: Range<Int>
    var attempt: Int
}

/// Have the dead letter of one message kept.
struct DeadLetterOrder {
    var publish: Int
    var subscription: Int
    var letter: DeliveryMachine.Doomed
}

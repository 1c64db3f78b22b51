/// How likely each kind of trouble is in one world; which kinds it knows at all is the seed's choice too.
struct Odds {
    /// Calls of a backend.
    var notSent = 0.0
    var busy = 0.0
    var lostBefore = 0.0
    var lostAfter = 0.0
    var late = 0.0
    /// Transactions of the record.
    var recordLostBefore = 0.0
    var recordLostAfter = 0.0
    var recordRepeats = 0.0
    /// Runs.
    var wrongImages = 0.0
    var fails = 0.05
    /// Whole events, a minute.
    var gatewayCrashes = 0.0
    var nodeCrashes = 0.0
    var freezes = 0.0
    var cuts = 0.0
    var drains = 0.0
    var recordAway = 0.0
    var moves = 0.0

    static let calm = Odds()

    init() {}

    init(_ dice: Dice) {
        func maybe(_ most: Double) -> Double { dice.chance(0.6) ? dice.fraction() * most : 0 }
        notSent = maybe(0.05)
        busy = maybe(0.03)
        lostBefore = maybe(0.08)
        lostAfter = maybe(0.2)
        late = maybe(0.3)
        recordLostBefore = maybe(0.02)
        recordLostAfter = maybe(0.05)
        recordRepeats = maybe(0.05)
        wrongImages = maybe(0.1)
        gatewayCrashes = maybe(1.5)
        nodeCrashes = maybe(0.7)
        freezes = maybe(0.7)
        cuts = maybe(0.7)
        drains = maybe(0.5)
        recordAway = maybe(0.5)
        moves = maybe(4)
    }
}
